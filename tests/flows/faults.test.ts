import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { testClock } from '@latchkey/testkit/clock';
import { PASSWORD, populate, type World } from '@latchkey/testkit/people';
import { addClient, form, freePort, jsonBody, startTestServer, type TestServer } from '@latchkey/testkit/test-server';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { addAdministrator, type TestAdministrator } from './admin/administrator.ts';
import { refusalOf, refusedAs, rowsOf } from './refusal.ts';

const clock = testClock();
let world: World;
let admin: TestAdministrator;
beforeAll(async () => {
  world = await populate(await startTestServer({ now: clock.now }));
  admin = await addAdministrator(world.at);
});
afterAll(() => world.at.close());

const KINDS = ['INSERT', 'UPDATE', 'DELETE'] as const;

/** Changes the schema beside the server, in a moment in which it has no transaction open. */
async function alter(database: DatabaseSync, statements: readonly string[]): Promise<void> {
  for (;;) {
    try {
      database.exec('BEGIN IMMEDIATE');
      break;
    } catch (error) {
      if (!(error instanceof Error && error.message.includes('locked'))) throw error;
      await new Promise(setImmediate);
    }
  }
  for (const statement of statements) database.exec(statement);
  database.exec('COMMIT');
}

/** While something is done, the database refuses every write, as one does whose disk is full. */
async function withoutWrites<T>({ data }: TestServer, work: () => Promise<T>): Promise<T> {
  const database = new DatabaseSync(join(data, 'latchkey.db'));
  const tables = [...Object.keys(rowsOf({ data })), 'outbox'].filter((name) => !name.startsWith('sqlite_'));
  const triggers = tables.flatMap((table) => KINDS.map((kind) => ({ table, kind, name: `full_${table}_${kind}` })));
  const create = triggers.map(
    ({ table, kind, name }) =>
      `CREATE TRIGGER "${name}" BEFORE ${kind} ON "${table}" BEGIN SELECT RAISE(ABORT, 'full'); END`,
  );
  const drop = triggers.map(({ name }) => `DROP TRIGGER "${name}"`);
  try {
    await alter(database, create);
    return await work();
  } finally {
    await alter(database, drop);
    database.close();
  }
}

const ownPage = () => ({ origin: world.at.issuer, 'sec-fetch-site': 'same-origin', 'x-latchkey-csrf': 'login' });
const bearer = (token: unknown) => ({ authorization: `Bearer ${token}` });
const asAdmin = (path: string, body: object = {}) => ({
  path: `/admin/api${path}`,
  init: jsonBody(body, bearer(admin.token)),
});
const tokens = async (more: object = {}) => (await world.login(more)).body;

/** Requests that change something, each with what it needs prepared. */
const CHANGES: Readonly<Record<string, () => Promise<{ readonly path: string; readonly init: RequestInit }>>> = {
  'a login': async () => ({
    path: '/api/login',
    init: jsonBody({ username: 'alice', password: PASSWORD, client_id: world.clientId }),
  }),
  'a login by cookie': async () => ({
    path: '/api/login',
    init: jsonBody({ username: 'alice', password: PASSWORD, client_id: world.clientId, delivery: 'cookie' }, ownPage()),
  }),
  'a refresh': async () => ({
    path: '/api/refresh',
    init: jsonBody({ refresh_token: (await tokens()).refresh_token }),
  }),
  'a refresh at the token endpoint': async () => ({
    path: '/oauth/token',
    init: form({
      grant_type: 'refresh_token',
      client_id: world.clientId,
      refresh_token: String((await tokens()).refresh_token),
    }),
  }),
  'a reuse': async () => {
    const { refresh_token: spent } = await tokens();
    await world.post('/api/refresh', { refresh_token: spent });
    return { path: '/api/refresh', init: jsonBody({ refresh_token: spent }) };
  },
  'a logout': async () => ({ path: '/api/logout', init: jsonBody({ refresh_token: (await tokens()).refresh_token }) }),
  'a revocation of a family': async () => ({
    path: '/oauth/revoke',
    init: form({ token: String((await tokens()).refresh_token), client_id: world.clientId }),
  }),
  'a revocation of an access token': async () => ({
    path: '/oauth/revoke',
    init: form({ token: String((await tokens()).access_token), client_id: world.clientId }),
  }),
  'an end of all sessions': async () => ({
    path: '/api/sessions',
    init: { method: 'DELETE', headers: bearer((await tokens({ resource: world.at.issuer })).access_token) },
  }),
  'a wrong guess': async () => ({
    path: '/api/login',
    init: jsonBody({ username: 'alice', password: 'wrong', client_id: world.clientId }),
  }),
  'a change of password': async () => ({
    path: '/api/password',
    init: jsonBody(
      { current_password: PASSWORD, new_password: PASSWORD },
      bearer((await tokens({ resource: world.at.issuer })).access_token),
    ),
  }),
  'a revocation by an administrator': async () =>
    asAdmin('/tokens/revoke', { credential: (await tokens()).refresh_token }),
  'a key that is revoked': async () => {
    const { signing } = (await admin.get('/keys')).body;
    return asAdmin(
      `/keys/${signing.find((key: Record<string, string>) => key.algorithm === 'RS256' && key.state !== 'revoked').kid}/revoke`,
    );
  },
  'a MAC key that is rotated': async () => asAdmin('/mac-keys/rotate'),
  'a client that is created': async () =>
    asAdmin('/clients', { name: 'x', authentication: 'client_secret_basic', grant_types: ['client_credentials'] }),
  'a client that is deleted': async () => ({
    path: `/admin/api/clients/${(await addClient(world.at.server)).row.id}`,
    init: { method: 'DELETE', headers: bearer(admin.token) },
  }),
  'an account that is disabled': async () => asAdmin(`/accounts/${world.accountId}/disable`),
};

test.each(Object.entries(CHANGES))(
  'attack 8.40: %s, and the database takes no write: the answer is 503, nothing is done, and later it works',
  async (_, prepare) => {
    const { path, init } = await prepare();
    const before = rowsOf(world.at);
    const answer = await withoutWrites(world.at, () => world.at.fetch(path, init));
    expect([
      await refusalOf(world.at, answer),
      answer.headers.get('retry-after'),
      answer.headers.getSetCookie(),
    ]).toEqual([refusedAs('storage_unavailable'), '1', []]);
    expect(rowsOf(world.at)).toEqual(before);
    const again = await world.at.fetch(path, init);
    await again.body?.cancel();
    const refused = _ === 'a reuse' ? 400 : _ === 'a wrong guess' ? 401 : again.status;
    expect([again.status < 500, again.status]).toEqual([true, refused]);
    expect(rowsOf(world.at)).not.toEqual(before);
  },
);

test('attack 8.40: who only reads is served while the database takes no write', async () => {
  const own = await populate(await startTestServer());
  const { body } = await own.login({ resource: own.at.issuer });
  await withoutWrites(own.at, async () => {
    expect((await own.get('/api/me', bearer(body.access_token))).status).toBe(200);
    expect((await own.at.fetch('/revocations', { headers: { authorization: own.api.basic } })).status).toBe(200);
    const asked = form({ token: 'x' }, { authorization: own.api.basic });
    expect((await own.at.fetch('/oauth/introspect', asked)).status).toBe(200);
  });
  await own.at.close();
});

test('attack 8.40: a restart keeps what was spent, revoked, ended, deleted and guessed', async () => {
  const data = mkdtempSync(join(tmpdir(), 'latchkey-restart-'));
  const [kek, port] = [Buffer.alloc(32, 7), String(await freePort())];
  const start = () => startTestServer({ data, kek, settings: { port }, now: clock.now });
  const first = await populate(await start());
  const one = first.at;
  const spent = (await first.login()).body;
  const next = (await first.post('/api/refresh', { refresh_token: spent.refresh_token })).body;
  const revoked = (await first.login()).body;
  await one.fetch('/oauth/revoke', form({ token: String(revoked.access_token), client_id: first.clientId }));
  const left = (await first.login()).body;
  await first.post('/api/logout', { refresh_token: left.refresh_token });
  const gone = await addClient(one.server, { resources: [first.api.row.identifier] });
  const someone = await addAdministrator(one);
  await someone.delete(`/clients/${gone.row.id}`);
  for (let guess = 0; guess < 5; guess++) await first.login({ password: 'wrong' });
  const page = async (at: TestServer) =>
    (await at.fetch('/revocations', { headers: { authorization: first.api.basic } })).json();
  const { asOf: _, ...log } = await page(one);
  await one.close();

  const two = await start();
  const post = async (path: string, body: object) => (await two.fetch(path, jsonBody(body))).status;
  const { asOf: _asOf, ...later } = await page(two);
  expect(later).toEqual(log);
  const login = { username: 'alice', password: PASSWORD, client_id: first.clientId };
  expect(await post('/api/login', login)).toBe(429);
  const isActive = async (token: unknown) => {
    const asked = form({ token: String(token) }, { authorization: first.api.basic });
    return (await (await two.fetch('/oauth/introspect', asked)).json()).active;
  };
  expect([
    await isActive(next.access_token),
    await isActive(revoked.access_token),
    await isActive(left.access_token),
  ]).toEqual([true, false, false]);
  expect(await post('/api/refresh', { refresh_token: left.refresh_token })).toBe(400);
  const asked = form({ grant_type: 'client_credentials' }, { authorization: gone.basic });
  expect(await refusalOf(two, await two.fetch('/oauth/token', asked))).toEqual(refusedAs('client_deleted'));
  expect(
    await refusalOf(two, await two.fetch('/api/refresh', jsonBody({ refresh_token: spent.refresh_token }))),
  ).toEqual(refusedAs('refresh_token_reused'));
  expect(await isActive(next.access_token)).toBe(false);
  await two.close();
  rmSync(data, { recursive: true });
});

test('attack 8.40: a clock that is set back brings nothing back to life', async () => {
  const own = await populate(await startTestServer({ now: clock.now }));
  const attempt = { attempt_id: 'one' };
  const refresh = (token: unknown) => own.at.fetch('/api/refresh', jsonBody({ refresh_token: token, ...attempt }));
  const spent = (await own.login()).body;
  await (await refresh(spent.refresh_token)).json();
  const left = (await own.login()).body;
  await own.post('/api/logout', { refresh_token: left.refresh_token });
  clock.advance(-3_600_000);
  expect(await refusalOf(own.at, await refresh(left.refresh_token))).toEqual(refusedAs('refresh_token_ended'));
  expect(await refusalOf(own.at, await refresh(spent.refresh_token))).toEqual(refusedAs('refresh_token_reused'));
  clock.advance(3_600_000);
  expect(await refusalOf(own.at, await refresh(spent.refresh_token))).toEqual(refusedAs('refresh_token_ended'));
  await own.at.close();
});
