import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server as HttpServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { HookInput } from '@latchkey/server/claim-hook/claim-hook';
import { hookSignature } from '@latchkey/server/claim-hook/http-source';
import { addRelyingParty, codeFlow } from '@latchkey/testkit/code-flow';
import { populate, type World } from '@latchkey/testkit/people';
import { addClient, form, startTestServer } from '@latchkey/testkit/test-server';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { addAdministrator } from './admin/administrator.ts';
import { refusalOf, refusedAs, rowsOf } from './refusal.ts';

const SECRET = 'a secret that the hook and the server have, and nobody else';
const claimsOf = (token: unknown) => JSON.parse(Buffer.from(String(token).split('.')[1] ?? '', 'base64url').toString());

/** Keeps something about the person, and maps it. */
async function furnish(world: World): Promise<void> {
  const admin = await addAdministrator(world.at);
  await admin.put(`/accounts/${world.accountId}/metadata`, { tenant: 'acme', values: { plan: 'gold', seats: 12 } });
  await admin.post(`/accounts/${world.accountId}/roles`, { resource: world.api.row.identifier, role: 'clerk' });
  await admin.patch(`/resources/${world.api.row.id}`, { claims: [{ claim: 'plan', from: 'plan' }] });
}

describe('a hook behind a URL', () => {
  let world: World;
  let hook: HttpServer;
  let machine: Awaited<ReturnType<typeof addClient>>;
  /** A token that needs no login, of which there may be only so many a minute. */
  const forMachine = () =>
    world.at.fetch('/oauth/token', form({ grant_type: 'client_credentials' }, { authorization: machine.basic }));
  let answer: (input: HookInput, response: ServerResponse) => void;
  const asked: { readonly input: HookInput; readonly headers: IncomingMessage['headers']; readonly body: string }[] =
    [];
  const says = (value: unknown, type = 'application/json') => {
    answer = (_, response) =>
      response.setHeader('content-type', type).end(typeof value === 'string' ? value : JSON.stringify(value));
  };

  beforeAll(async () => {
    hook = createServer(async (request, response) => {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk);
      const body = Buffer.concat(chunks).toString();
      const input: HookInput = JSON.parse(body);
      asked.push({ input, headers: request.headers, body });
      answer(input, response);
    });
    await new Promise<void>((resolve) => hook.listen(0, '127.0.0.1', resolve));
    const origin = `http://127.0.0.1:${(hook.address() as AddressInfo).port}`;
    const settings = { claimHook: `${origin}/claims`, claimHookSecretFile: 'somewhere', fetchAllow: origin };
    world = await populate(
      await startTestServer({ settings: { ...settings, claimHookTimeoutMs: '1500' }, claimHookSecret: SECRET }),
    );
    says({});
    await furnish(world);
    machine = await addClient(world.at.server, { resources: [world.api.row.identifier] });
  });
  afterEach(async () => {
    // a good answer, so that faults in a row are those of one test
    says({});
    await forMachine();
  });
  afterAll(async () => {
    await world.at.close();
    hook.closeAllConnections();
    hook.close();
  });

  test('it is told who the token is about, under a signature, and nothing secret', async () => {
    says({ add: { tier: { level: 3 }, plan: 'platinum' } });
    const { body } = await world.login();
    expect(claimsOf(body.access_token)).toMatchObject({ tier: { level: 3 }, plan: 'platinum', roles: ['clerk'] });
    const { input, headers, body: sent } = asked.at(-1) ?? expect.fail();
    expect(input).toEqual({
      grant_type: 'login',
      client_id: world.clientId,
      resource: world.api.row.identifier,
      sub: world.accountId,
      org_id: 'acme',
      scope: ['read', 'write'],
      roles: ['clerk'],
      metadata: { plan: 'gold', seats: 12 },
    });
    const at = Number(/^t=(\d+),/.exec(String(headers['latchkey-signature']))?.[1]);
    expect(headers['latchkey-signature']).toBe(hookSignature(SECRET, at, sent));
    expect(hookSignature('another', at, sent)).not.toBe(headers['latchkey-signature']);
    expect(Math.abs(Date.now() / 1000 - at)).toBeLessThan(10);
    expect(JSON.stringify(asked)).not.toMatch(/lk_|passphrase/);
  });

  test('it takes mapped claims away, at each grant', async () => {
    says({ remove: ['plan'] });
    const login = await world.login();
    expect(claimsOf(login.body.access_token)).not.toHaveProperty('plan');
    const refreshed = await world.post('/api/refresh', { refresh_token: login.body.refresh_token });
    expect(claimsOf(refreshed.body.access_token)).not.toHaveProperty('plan');
    const party = await addRelyingParty(world);
    const { body } = await codeFlow(world, party, { scope: 'openid read' });
    expect(claimsOf(body.access_token)).not.toHaveProperty('plan');
    says({ add: { kind: 'robot' } });
    const token = await forMachine();
    expect(claimsOf((await token.json()).access_token)).toMatchObject({ kind: 'robot', sub: machine.row.id });
    const grants = asked.slice(-4).map(({ input }) => input.grant_type);
    expect(grants).toEqual(['login', 'refresh_token', 'authorization_code', 'client_credentials']);
  });

  const faults: readonly (readonly [string, () => void, string])[] = [
    ['is slow', () => (answer = () => undefined), 'timed_out'],
    ['hangs up', () => (answer = (_, response) => response.destroy()), 'failed'],
    ['says 500', () => (answer = (_, response) => response.writeHead(500).end()), 'status'],
    ['says 401, for it does not know the signature', () => (answer = (_, r) => r.writeHead(401).end()), 'status'],
    ['redirects', () => (answer = (_, r) => r.writeHead(302, { location: 'https://x.example' }).end()), 'redirected'],
    ['says too much', () => says({ add: { a: 'x'.repeat(16_384) } }), 'too_large'],
    ['says no JSON', () => says('ok'), 'malformed'],
    ['says another type', () => says({}, 'text/html'), 'malformed'],
    ['says one thing twice', () => says('{"add":{"a":1,"a":2}}'), 'malformed'],
    ['says something else', () => says({ set: { a: 1 } }), 'malformed'],
    ['says a list', () => says([]), 'malformed'],
    ['changes a protocol claim', () => says({ add: { sub: 'acc_other' } }), 'claim_refused'],
    ['gives a role', () => says({ add: { roles: ['admin'] } }), 'claim_refused'],
    ['takes away a protocol claim', () => says({ remove: ['exp'] }), 'claim_refused'],
    ['says something personal', () => says({ add: { birthdate: '1815-12-10' } }), 'claim_refused'],
    ['says a secret', () => says({ add: { api_key: 'x' } }), 'claim_refused'],
    ['says a claim without a name', () => says({ add: { 'a b': 1 } }), 'claim_refused'],
    [
      'says too many claims',
      () => says({ add: Object.fromEntries(Array.from({ length: 51 }, (_, index) => [`c${index}`, 1])) }),
      'claim_refused',
    ],
  ];
  test.each(faults)('claim_hook_failed: one that %s leaves everything as it was', async (_, set, reason) => {
    const login = await world.login();
    set();
    const before = rowsOf(world.at);
    const refresh = await world.at.fetch('/api/refresh', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ refresh_token: login.body.refresh_token }),
    });
    expect(refresh.headers.get('retry-after')).toBe('1');
    expect(await refusalOf(world.at, refresh)).toEqual(refusedAs('claim_hook_failed'));
    expect(rowsOf(world.at)).toEqual(before);
    expect((await forMachine()).status).toBe(503);
    expect(rowsOf(world.at)).toEqual(before);
    const line = world.at.logged.findLast((one) => one.includes('claim hook'));
    expect(JSON.parse(line ?? '{}')).toMatchObject({ reason, fallback: 'refuse' });
    expect(line).not.toMatch(/1815|acc_other/);
    // the refresh token was not used up
    says({});
    expect((await world.post('/api/refresh', { refresh_token: login.body.refresh_token })).status).toBe(200);
  });

  test('what is refused without it is refused as ever, and it is not asked', async () => {
    const count = asked.length;
    expect((await world.login({ password: 'a wrong passphrase that is long' })).body.error).toBe('invalid_credentials');
    expect((await world.post('/api/refresh', { refresh_token: 'lk_rt_x' })).body.error).toBe('invalid_grant');
    expect(asked).toHaveLength(count);
  });

  test('for the server’s own resources it is not asked: who is to mend it must get in', async () => {
    const count = asked.length;
    answer = (_, response) => response.destroy();
    expect((await world.login({ resource: world.at.issuer })).status).toBe(200);
    await addAdministrator(world.at);
    expect(asked).toHaveLength(count);
  });

  test('after it was down five times in a row it is left alone for a moment', async () => {
    answer = (_, response) => response.destroy();
    for (let attempt = 0; attempt < 5; attempt++) expect((await forMachine()).status).toBe(503);
    const count = asked.length;
    says({});
    expect((await forMachine()).status).toBe(503);
    expect(asked).toHaveLength(count);
    expect(JSON.parse(world.at.logged.findLast((one) => one.includes('claim hook')) ?? '{}').reason).toBe('paused');
  });
});

describe('a hook in a module', () => {
  const folder = mkdtempSync(join(tmpdir(), 'latchkey-hook-'));
  const worlds: World[] = [];
  afterAll(async () => {
    for (const { at } of worlds) await at.close();
    rmSync(folder, { recursive: true, force: true });
  });
  let number = 0;
  const withModule = async (source: string, settings: Readonly<Record<string, string>> = {}): Promise<World> => {
    const path = join(folder, `hook-${number++}.mjs`);
    writeFileSync(path, source);
    const world = await populate(
      await startTestServer({ settings: { claimHook: path, claimHookTimeoutMs: '1000', ...settings } }),
    );
    worlds.push(world);
    return world;
  };

  test('it is a function that is asked', async () => {
    const world = await withModule(
      'export default async ({ metadata, roles, sub }) => ({ add: { seats: metadata.seats, first: roles[0], who: sub }, remove: ["plan"] });',
    );
    await furnish(world);
    const claims = claimsOf((await world.login()).body.access_token);
    expect(claims).toMatchObject({ seats: 12, first: 'clerk', who: world.accountId, org_id: 'acme' });
    expect(claims).not.toHaveProperty('plan');
  });

  test.each([
    ['throws', 'export default () => { throw new Error("lk_secret"); };', 'threw'],
    ['rejects', 'export default () => Promise.reject("no error");', 'threw'],
    ['does not come back', 'export default () => new Promise(() => {});', 'timed_out'],
    ['says what is no JSON', 'export default () => () => 1;', 'malformed'],
    ['goes in circles', 'const a = { add: {} }; a.add.a = a; export default () => a;', 'threw'],
  ])(
    'one that %s is a fault; with the fallback “without” the token is issued, and says nothing of it',
    async (_, source, reason) => {
      const refusing = await withModule(source);
      expect((await refusing.login()).status).toBe(503);
      expect(refusing.at.logged.join('')).not.toContain('lk_secret');
      const world = await withModule(source, { claimHookFallback: 'without' });
      await furnish(world);
      const login = await world.login();
      expect([login.status, claimsOf(login.body.access_token).plan]).toEqual([200, 'gold']);
      const line = world.at.logged.findLast((one) => one.includes('claim hook'));
      expect(JSON.parse(line ?? '{}')).toMatchObject({ reason, fallback: 'without' });
    },
  );

  test('without an answer to speak of there is nothing to add; what it does to its input changes nothing', async () => {
    const world = await withModule('export default (input) => { input.sub = "x"; input.roles.push("admin"); };');
    await furnish(world);
    expect(claimsOf((await world.login()).body.access_token)).toMatchObject({ sub: world.accountId, roles: ['clerk'] });
  });

  test.each([
    ['that is not there', '/nowhere/hook.mjs', 'cannot be loaded'],
    ['without such a function', join(folder, 'none.mjs'), 'exports no function'],
  ])('a module %s is told at the start', async (_, path, problem) => {
    writeFileSync(join(folder, 'none.mjs'), 'export default 1;');
    await expect(startTestServer({ settings: { claimHook: path } })).rejects.toThrow(problem);
  });
});
