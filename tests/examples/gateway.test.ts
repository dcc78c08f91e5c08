import { chmodSync, cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { addApiKey } from '@latchkey/testkit/api-keys';
import { freePort } from '@latchkey/testkit/test-server';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type ApiWorld, startApi } from '../flows/verifier/api.ts';
import { ask } from '../flows/verifier/frameworks.ts';
import { GATEWAYS, type Gateway } from '../flows/verifier/gateways.ts';
import { hasPrograms, NGINX, type Program, PYTHON, startProgram } from './programs.ts';

const EXAMPLES = fileURLToPath(new URL('../../examples', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'latchkey-examples-'));
const programs: Program[] = [];
let world: ApiWorld;
let sidecar: Gateway;
let token: string;
let refreshToken: string;
const ports = { site: 0, gate: 0, flask: 0, plain: 0 };

describe.runIf(hasPrograms())('the examples of proxies and of other languages', () => {
  beforeAll(async () => {
    chmodSync(folder, 0o755); // nginx serves as somebody else than root
    world = await startApi();
    const start = GATEWAYS['the sidecar'];
    if (start === undefined) throw new Error('no sidecar');
    sidecar = await start(world);
    const { body } = await world.login();
    token = String(body.access_token);
    refreshToken = String(body.refresh_token);
    for (const name of ['site', 'gate', 'flask', 'plain'] as const) ports[name] = await freePort();
    const { audience, id } = world.api.row;
    await nginx('nginx-static', ports.site, { RESOURCE: id, 8400: world.at.server.settings.port });
    await nginx('flask-api', ports.gate, { 9400: sidecar.port, 5000: ports.flask });
    await flask('app.py', ports.flask, { SIDECAR: `http://127.0.0.1:${sidecar.port}`, AUDIENCE: audience });
    await flask('app_with_jwks.py', ports.plain, { ISSUER: world.at.issuer, AUDIENCE: audience });
  }, 120_000);
  afterAll(async () => {
    for (const one of programs) await one.stop();
    await sidecar?.close();
    await world?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  /** Runs the example as it stands, at ports that are free. */
  async function nginx(name: string, port: number, changes: Readonly<Record<string, string | number>>) {
    const place = join(folder, name);
    cpSync(join(EXAMPLES, name), place, { recursive: true });
    let text = readFileSync(join(place, 'nginx.conf'), 'utf8').replace(':8080', `:${port}`);
    for (const [from, to] of Object.entries(changes)) text = text.replaceAll(from, String(to));
    writeFileSync(join(place, 'nginx.conf'), text);
    programs.push(await startProgram(NGINX, ['-p', place, '-c', 'nginx.conf'], port));
  }
  async function flask(file: string, port: number, env: Readonly<Record<string, string>>) {
    const started = startProgram(PYTHON, [join(EXAMPLES, 'flask-api', file)], port, { ...env, PORT: String(port) });
    programs.push(await started);
  }

  const bearer = () => ['authorization', `Bearer ${token}`];

  test('nginx and the server: what is private is for whoever may, and a refusal looks as Latchkey words it', async () => {
    expect((await ask(ports.site, { path: '/' })).body).toContain('public');
    const refused = await ask(ports.site, { path: '/private/' });
    expect([refused.status, refused.headers['www-authenticate']]).toEqual([
      401,
      expect.stringMatching(/^Bearer realm=/),
    ]);
    const got = await ask(ports.site, { path: '/private/', headers: bearer() });
    expect([got.status, got.body]).toEqual([200, expect.stringContaining('private')]);
  });

  test('nginx and the server: paths with two readings reach nothing that is private', async () => {
    for (const path of [
      '/private/../private/',
      '/x/%2e%2e/private/',
      '/private/%2e%2e%2fprivate/',
      '/private/..;/',
      '//private/',
    ])
      for (const headers of [bearer(), []])
        expect([path, (await ask(ports.site, { path, headers })).body]).toEqual([
          path,
          expect.not.stringContaining('This is private'),
        ]);
  });

  test('APK-03: nginx says itself from where a request came, and a client that claims another network is refused', async () => {
    const answerTo = async (network: string) => {
      const more = { owner: world.accountId, resource: world.api.row.identifier, scope: ['read'] };
      const { text } = await addApiKey(world.at, { ...more, networks: [network] });
      const headers = ['authorization', `Bearer ${text}`, 'x-forwarded-for', '192.0.2.1'];
      return (await ask(ports.site, { path: '/private/', headers })).status;
    };
    expect([await answerTo('192.0.2.0/24'), await answerTo('127.0.0.0/8')]).toEqual([401, 200]);
    const examples = ['nginx-static', 'flask-api'].map((name) => join(EXAMPLES, name, 'nginx.conf'));
    for (const path of examples)
      expect(readFileSync(path, 'utf8')).toContain('proxy_set_header X-Forwarded-For $remote_addr;');
  });

  test('nginx, sidecar and Flask: the API learns who it is by an assertion, and nothing that a client made up', async () => {
    const forged = ['x-latchkey-assertion', 'e30.e30.x', 'X_Latchkey_Subject', 'admin', 'x-latchkey-subject', 'admin'];
    const more = ['x-latchkey-roles', 'a', 'x-latchkey-roles', 'b', 'x_latchkey_assertion', 'x'];
    const got = await ask(ports.gate, { path: '/orders', headers: [...bearer(), ...forged, ...more] });
    expect([got.status, JSON.parse(got.body)]).toEqual([
      200,
      { subject: world.accountId, headers: ['X-Latchkey-Assertion'] },
    ]);
    expect((await ask(ports.gate, { path: '/orders', headers: forged })).status).toBe(401);
    expect((await ask(ports.flask, { path: '/orders', headers: forged })).status).toBe(401);
    expect((await ask(ports.flask, { path: '/orders', headers: ['x-latchkey-assertion', token] })).status).toBe(401);
  });

  test('nginx and sidecar: a client that says it asks for something else is refused', async () => {
    for (const name of ['x-original-uri', 'x-forwarded-uri', 'x-original-method'])
      expect((await ask(ports.gate, { path: '/orders', headers: [...bearer(), name, '/public'] })).status).toBe(200);
    expect((await ask(ports.gate, { path: '/private/../orders', headers: bearer() })).status).toBe(400);
  });

  test('a token that was revoked is refused within a second through nginx; by the key set alone it is good until it expires', async () => {
    expect((await ask(ports.plain, { path: '/orders', headers: bearer() })).status).toBe(200);
    expect((await ask(ports.plain, { path: '/orders' })).status).toBe(401);
    const began = performance.now();
    await world.post('/api/logout', { client_id: world.clientId, refresh_token: refreshToken });
    const status = async () => (await ask(ports.gate, { path: '/orders', headers: bearer() })).status;
    await expect.poll(status, { interval: 5, timeout: 5_000 }).toBe(401);
    expect(performance.now() - began).toBeLessThan(1_000);
    expect((await ask(ports.plain, { path: '/orders', headers: bearer() })).status).toBe(200);
  });

  test('without the sidecar nothing passes', async () => {
    await sidecar.close();
    expect((await ask(ports.gate, { path: '/orders', headers: bearer() })).status).toBeGreaterThanOrEqual(400);
  });
});
