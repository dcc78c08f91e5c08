import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { createServer as createSocket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ResourceIdentifier } from '@latchkey/protocol/types';
import { addApiKey } from '@latchkey/testkit/api-keys';
import { populate, read, type World } from '@latchkey/testkit/people';
import { addClient, addResource, form, freePort, startTestServer } from '@latchkey/testkit/test-server';
import { decodeForwardAssertion } from '@latchkey/tokens/formats/forward-assertion';
import { generateEncryptionKeyPair } from '@latchkey/tokens/keys/encryption-key';
import { importNodeKeySet } from '@latchkey/tokens/keys/node-crypto';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { addAdministrator } from '../flows/admin/administrator.ts';
import { ask } from '../flows/verifier/frameworks.ts';
import { listenTo, root, type Said, signalGroup } from './server-process.ts';

let world: World;
let folder: string;
const running: Said[] = [];

beforeAll(async () => {
  world = await populate(await startTestServer());
  await world.at.listen();
  folder = mkdtempSync(join(tmpdir(), 'latchkey-sidecar-'));
  const { id, audience } = world.api.row;
  const credential = { id, audience, token_type: 'at+jwt', secret: world.api.secret };
  writeFileSync(join(folder, 'api.json'), JSON.stringify(credential), { mode: 0o600 });
});
afterEach(async () => {
  for (const one of running.splice(0)) {
    signalGroup(one, 'SIGKILL');
    await one.ended();
  }
});
afterAll(async () => {
  await world.at.close();
  rmSync(folder, { recursive: true, force: true });
});

const MAIN = join(root, 'packages/cli/src/main.ts');
function start(args: readonly string[], issuer = world.at.issuer): Said {
  const all = [
    '--conditions=@latchkey/source',
    MAIN,
    'sidecar',
    '--issuer',
    issuer,
    '--credential',
    'api.json',
    ...args,
  ];
  const said = listenTo(process.execPath, all, { cwd: folder, env: { PATH: process.env.PATH } });
  running.push(said);
  return said;
}
const readyAt = async (port: number) =>
  expect
    .poll(async () => (await ask(port, { path: '/readyz' }).catch(() => ({ status: 0 }))).status, { timeout: 20_000 })
    .toBe(200);
const login = async () => (await world.login()).body;
const forwarded = (token?: string) => [
  'x-original-method',
  'GET',
  'x-original-uri',
  '/things',
  ...(token === undefined ? [] : ['authorization', `Bearer ${token}`]),
];

test('a sidecar lets good tokens pass and no others, forgets none that is revoked, and says whose request it was', async () => {
  const port = await freePort();
  const sidecar = start(['--listen', `127.0.0.1:${port}`, '--name', 'side']);
  await sidecar.until(/"event":"ready"/);
  await readyAt(port);
  const { access_token: token = '', refresh_token } = await login();

  const got = await ask(port, { path: '/verify?scope=read', headers: forwarded(token) });
  expect([got.status, got.body]).toEqual([200, '']);
  const keys = importNodeKeySet(JSON.parse((await ask(port, { path: '/.well-known/jwks.json' })).body));
  if (keys === undefined) throw new Error('no keys');
  const expected = { issuer: `http://127.0.0.1:${port}`, audience: world.api.row.audience };
  const now = Math.floor(Date.now() / 1000) as never;
  expect(decodeForwardAssertion(got.headers['x-latchkey-assertion'] ?? '', keys, expected, now)).toMatchObject({
    ok: true,
    value: { sub: world.accountId, client_id: world.clientId, scope: 'read write' },
  });

  const path = `/verify/${world.api.row.id}`;
  expect((await ask(port, { path, headers: forwarded(token) })).status).toBe(200);
  expect((await ask(port, { path: '/verify/res_1', headers: forwarded(token) })).status).toBe(404);
  expect((await ask(port, { path: `${path}/../../healthz` })).status).toBe(400);
  expect((await ask(port, { path: '/verify?scope=admin', headers: forwarded(token) })).status).toBe(403);
  expect((await ask(port, { path, headers: forwarded() })).status).toBe(401);

  const began = performance.now();
  await world.post('/api/logout', { client_id: world.clientId, refresh_token });
  await expect
    .poll(async () => (await ask(port, { path, headers: forwarded(token) })).status, { interval: 5 })
    .toBe(401);
  expect(performance.now() - began).toBeLessThan(1_000);

  const metrics = (await ask(port, { path: '/metrics' })).body;
  expect(metrics).toMatch(/^latchkey_sidecar_decisions_total\{outcome="allowed",error=""\} [1-9]/m);
  expect(metrics).toMatch(/^latchkey_sidecar_decisions_total\{outcome="refused",error="token_revoked"\} [1-9]/m);
  expect(metrics).toMatch(/^latchkey_sidecar_staleness_seconds [0-9.]+$/m);

  sidecar.child.kill('SIGTERM');
  expect(await sidecar.ended()).toBe(0);
  const lines = sidecar
    .out()
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  expect(lines.map(({ event }) => event)).toEqual(expect.arrayContaining(['listening', 'ready', 'refused', 'stopped']));
  expect(sidecar.out() + sidecar.err()).not.toContain(token);
  expect(sidecar.out()).not.toContain('/things');
  expect(sidecar.out()).not.toContain(world.api.secret);
});

test('API keys: none by default; where they are taken, from their networks only, by the word of the proxy', async () => {
  const [port, without] = [await freePort(), await freePort()];
  const sidecar = start([
    '--listen',
    `127.0.0.1:${port}`,
    '--api-keys',
    '--api-key-header',
    'X-Key',
    '--trust',
    '127.0.0.1',
  ]);
  start(['--listen', `127.0.0.1:${without}`]);
  await readyAt(port);
  await readyAt(without);
  const addKey = (more: object = {}) =>
    addApiKey(world.at, { owner: world.accountId, resource: world.api.row.identifier, scope: ['read'], ...more });
  const { text } = await addKey();
  const bound = await addKey({ networks: ['192.0.2.0/24'] });
  const own = await addKey({ networks: ['127.0.0.0/8'] });
  const trial = await addKey({ environment: 'test' });
  const scarce = await addKey({ quota: { uses: 1, period: 'day' } });
  const ask1 = async (key: string, more: readonly string[] = [], query = '', at = port) =>
    (await ask(at, { path: `/verify${query}`, headers: [...forwarded(key), ...more] })).status;
  expect([await ask1(text), await ask1(text, [], '', without), await ask1(text, [], '?scope=admin')]).toEqual([
    200, 401, 403,
  ]);
  const inHeader = (name: string, query = '') =>
    ask(port, { path: `/verify${query}`, headers: [...forwarded(), name, text] }).then(({ status }) => status);
  expect([
    await inHeader('x-key'),
    await inHeader('x-api-key'),
    await inHeader('x-api-key', '?api_key_header=X-Api-Key'),
  ]).toEqual([200, 401, 200]);
  const from = (address: string) => ['x-forwarded-for', address];
  expect([
    await ask1(bound.text, from('192.0.2.9')),
    await ask1(bound.text, from('192.0.2.9, 127.0.0.1')),
    await ask1(bound.text, from('192.0.2.9, 198.51.100.9')),
    await ask1(bound.text),
    await ask1(own.text),
  ]).toEqual([200, 200, 401, 401, 401]);
  expect([await ask1(trial.text), await ask1(trial.text, [], '?api_keys=test')]).toEqual([401, 200]);
  expect(await ask1(scarce.text, [], '?scope=read')).toBe(200);
  const got = await ask(port, { path: '/verify', headers: forwarded(scarce.text) });
  expect([got.status, got.headers['ratelimit-policy'], got.headers['retry-after']]).toEqual([
    429,
    '"quota";q=1',
    expect.stringMatching(/^[1-9]\d*$/),
  ]);
  expect(sidecar.out() + sidecar.err()).not.toContain(text);
});

test('opaque tokens, encrypted tokens and tokens under a shared secret: by the files of the API', async () => {
  const { server } = world.at;
  const admin = await addAdministrator(world.at);
  const pair = await generateEncryptionKeyPair('P-256');
  writeFileSync(join(folder, 'key.json'), JSON.stringify(pair.privateJwk), { mode: 0o600 });
  const kinds = {
    opaque: { given: { format: 'opaque' }, args: [] },
    jwe: { given: { format: 'jwe', encryptionKey: pair.publicJwk }, args: ['--decryption-key-file', 'key.json'] },
  } as const;
  for (const [name, { given, args }] of Object.entries(kinds)) {
    const { row, secret } = await addResource(server, given);
    await answersFor({ name, id: row.id, audience: row.audience, secret, identifier: row.identifier }, args);
  }
  const shared = { identifier: 'https://shared.example', name: 'Shared', scopes: ['read'], algorithm: 'HS256' };
  const { body } = await admin.post('/resources', shared);
  await answersFor({ ...body, name: 'shared' }, ['--shared-secret-file', 'shared.json']);

  async function answersFor(api: Readonly<Record<string, string>>, args: readonly string[]): Promise<void> {
    const { name, identifier, id, secret } = api;
    const authorization = `Basic ${btoa(`${id}:${secret}`)}`;
    const machine = await addClient(server, { resources: [identifier as ResourceIdentifier] });
    writeFileSync(join(folder, `${name}.json`), JSON.stringify(api), { mode: 0o600 });
    const port = await freePort();
    start(['--listen', `127.0.0.1:${port}`, '--credential', `${name}.json`, ...args]);
    await readyAt(port);
    const asked = form({ grant_type: 'client_credentials' }, { authorization: machine.basic });
    const { access_token: token = '' } = (await read(await world.at.fetch('/oauth/token', asked))).body;
    const status = async () => (await ask(port, { path: '/verify', headers: forwarded(token) })).status;
    expect([name, await status()]).toEqual([name, 200]);
    const { jti } = await (await world.at.fetch('/oauth/introspect', form({ token }, { authorization }))).json();
    expect((await admin.post('/tokens/revoke', { id: jti })).status).toBe(200);
    await expect.poll(status, { interval: 5, timeout: 5_000 }).toBe(401);
  }
});

test('without the server it lets nothing pass, and is not ready', async () => {
  const port = await freePort();
  start(['--listen', `127.0.0.1:${port}`, '--max-staleness', '5'], `http://127.0.0.1:${await freePort()}`);
  await expect
    .poll(async () => (await ask(port, { path: '/healthz' }).catch(() => ({ status: 0 }))).status, { timeout: 20_000 })
    .toBe(200);
  expect((await ask(port, { path: '/readyz' })).status).toBe(503);
  const { access_token: token } = await login();
  const got = await ask(port, { path: '/verify', headers: forwarded(token) });
  expect([got.status, JSON.parse(got.body).error]).toEqual([503, 'temporarily_unavailable']);
});

test('a socket is for its owner and its group, and what was left there goes; what another one uses stays', async () => {
  const path = join(folder, 'api.sock');
  const sidecar = start(['--listen', 'unix:api.sock', '--assertion-issuer', 'https://gate.example']);
  await sidecar.until(/"event":"ready"/);
  expect(statSync(path).mode & 0o777).toBe(0o660);
  const { access_token: token } = await login();
  const headers = { 'x-original-method': 'GET', 'x-original-uri': '/', authorization: `Bearer ${token}` };
  const status = await new Promise((resolve, reject) => {
    request({ socketPath: path, path: '/verify', headers }, (answer) => resolve(answer.resume().statusCode))
      .on('error', reject)
      .end();
  });
  expect(status).toBe(200);
  const second = start(['--listen', 'unix:api.sock']);
  expect(await second.ended()).toBe(1);
  signalGroup(sidecar, 'SIGKILL');
  await sidecar.ended();
  expect(existsSync(path)).toBe(true);
  const third = start(['--listen', 'unix:api.sock']);
  await third.until(/"event":"listening"/);
  third.child.kill('SIGTERM');
  expect([await third.ended(), existsSync(path)]).toEqual([0, false]);
});

test.runIf(process.platform === 'linux')(
  'it starts in well under a second, and is there before the server is',
  async () => {
    const sidecar = start(['--listen', `127.0.0.1:${await freePort()}`], `http://127.0.0.1:${await freePort()}`);
    await sidecar.until(/"event":"listening"/);
    // in the time of its own work: this machine may be busy with other tests
    const ticks =
      readFileSync(`/proc/${sidecar.child.pid}/stat`, 'utf8').split(') ')[1]?.split(' ').slice(11, 13) ?? [];
    expect(ticks.reduce((sum, one) => sum + Number(one) * 10, 0)).toBeLessThan(1_000);
  },
);

test.each([
  ['a place that is none', ['--listen', 'localhost:9400'], 2, /no place to listen/],
  ['a port that is none', ['--listen', '127.0.0.1:99999'], 2, /no place to listen/],
  ['other machines, and nobody named', ['--listen', '0.0.0.0:9400'], 2, /nobody is named/],
  ['a peer that is no address', ['--listen', '0.0.0.0:9400', '--trust', 'proxy'], 2, /proxy is no address/],
  ['every address', ['--listen', '0.0.0.0:9400', '--trust', '0.0.0.0/0'], 2, /is no address/],
  ['a name that is none', ['--name', 'a b'], 2, /name must be/],
  ['another audience', ['--audience', 'https://other.example'], 2, /belongs to the audience/],
  ['a header of API keys, and none taken', ['--api-key-header', 'x-key'], 2, /no API keys are taken/],
  ['a header that has another meaning', ['--api-keys', '--api-key-header', 'Cookie'], 2, /a header of its own/],
  ['a key that is none', ['--decryption-key-file', 'api.json'], 2, /decryptionKeys must be/],
  ['a secret that is none', ['--shared-secret-file', 'api.json'], 2, /does not hold kid and secret/],
  ['a key that is not there', ['--decryption-key-file', 'none.json'], 6, /ENOENT/],
  ['a bound out of bounds', ['--max-staleness', '1'], 2, /maxStalenessSeconds/],
])('it does not start with %s', async (_, args, code, said) => {
  const sidecar = start(args);
  expect(await sidecar.ended()).toBe(code);
  expect(sidecar.err()).toMatch(said);
});

test('it does not start with a credential that others can read, or that is none', async () => {
  for (const [text, mode, said] of [
    [JSON.stringify({ id: 'res_1', secret: 'x', audience: 'a' }), 0o640, /can be read by others/],
    ['{"id":"res_1"}', 0o600, /does not hold id, secret and audience/],
    ['not JSON', 0o600, /does not hold id, secret and audience/],
    ['x'.repeat(65_537), 0o600, /too large/],
  ] as const) {
    writeFileSync(join(folder, 'other.json'), text, { mode });
    chmodSync(join(folder, 'other.json'), mode);
    const sidecar = start(['--credential', 'other.json']);
    expect(await sidecar.ended()).not.toBe(0);
    expect(sidecar.err()).toMatch(said);
  }
});

test('a port that somebody else has is told as such', async () => {
  const other = createSocket().listen(0, '127.0.0.1');
  await new Promise((resolve) => other.once('listening', resolve));
  const address = other.address();
  const port = typeof address === 'object' ? address?.port : 0;
  const sidecar = start(['--listen', `127.0.0.1:${port}`]);
  expect(await sidecar.ended()).toBe(1);
  expect(sidecar.err()).toMatch(/EADDRINUSE/);
  other.close();
});

test('whoever is not named may not ask', async () => {
  const port = await freePort();
  const sidecar = start(['--listen', `127.0.0.1:${port}`, '--trust', '10.0.0.7', '--trust', '10.1.0.0/16']);
  await sidecar.until(/"event":"ready"/);
  const { access_token: token } = await login();
  const got = await ask(port, { path: '/verify', headers: forwarded(token) });
  expect([got.status, JSON.parse(got.body).error]).toEqual([403, 'access_denied']);
  expect((await ask(port, { path: '/metrics' })).status).toBe(403);
  for (const path of ['/healthz', '/readyz', '/.well-known/jwks.json'])
    expect((await ask(port, { path })).status).toBe(200);
  expect(sidecar.out()).toMatch(/forward_peer_not_named/);
});
