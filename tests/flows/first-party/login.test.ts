import { LIMITS } from '@latchkey/protocol/limits';
import { testClock } from '@latchkey/testkit/clock';
import { addAccount, PASSWORD, populate, type World } from '@latchkey/testkit/people';
import { addClient, startTestServer } from '@latchkey/testkit/test-server';
import { afterAll, beforeAll, expect, test } from 'vitest';

let world: World;
const clock = testClock();
beforeAll(async () => {
  world = await populate(await startTestServer({ now: clock.now }));
});
afterAll(() => world.at.close());

/** What an outsider sees of a refusal, without the id that differs every time. */
const seen = ({ status, body, headers }: Awaited<ReturnType<World['login']>>) => {
  const { error_id: _, ...rest } = body;
  return { status, rest, names: [...headers.keys()].sort() };
};

test("a login answers as a token endpoint does, and its tokens are for the client's API", async () => {
  const { status, headers, body } = await world.login();
  expect(status).toBe(200);
  expect(headers.get('cache-control')).toBe('no-store');
  expect(body).toEqual({
    access_token: expect.any(String),
    token_type: 'Bearer',
    expires_in: 300,
    scope: 'read write',
    refresh_token: expect.stringMatching(/^lk_rt_/),
    refresh_token_expires_in: 14 * 86_400,
    authorization_expires_in: 90 * 86_400,
  });
  const claims = JSON.parse(Buffer.from(String(body.access_token).split('.')[1] ?? '', 'base64url').toString());
  expect(claims).toEqual({
    iss: world.at.issuer,
    sub: world.accountId,
    aud: world.api.row.identifier,
    client_id: world.clientId,
    jti: expect.stringMatching(/^tok_/),
    iat: Math.floor(clock.now() / 1000),
    exp: Math.floor(clock.now() / 1000) + 300,
    pos: expect.stringMatching(/^\d+:\d+$/),
    scope: 'read write',
    fid: expect.stringMatching(/^fam_/),
    sid: expect.stringMatching(/^ses_/),
    auth_time: Math.floor(clock.now() / 1000),
    acr: 'urn:latchkey:acr:password:recent',
    amr: ['pwd'],
  });
});

test('SES-02 ASVS 7.2.4: each login is a session of its own', async () => {
  const sid = async () =>
    JSON.parse(Buffer.from(String((await world.login()).body.access_token).split('.')[1] ?? '', 'base64url').toString())
      .sid;
  expect(await sid()).not.toBe(await sid());
});

test('PWD-11, PWD-16, PWD-17 ASVS 6.3.8: unknown, disabled, without password and wrong password look the same', async () => {
  const { server } = world.at;
  await addAccount(server, 'disabled');
  const disabled = await server.store.read.identifier('disabled' as never);
  if (disabled === undefined) throw new Error('not stored');
  await server.commit(
    () => Promise.resolve(),
    (_, { now }) => ({
      outcome: { ok: true, value: undefined },
      expects: [],
      writes: [{ kind: 'account.disable', id: disabled.accountId, at: now }],
    }),
  );
  const wrong = seen(await world.login({ password: 'not the passphrase of anybody' }));
  expect(wrong).toMatchObject({ status: 401, rest: { error: 'invalid_credentials' } });
  for (const other of [
    { username: 'nobody' },
    { username: 'disabled' },
    { username: 'not a name at all' },
    { username: '' },
  ])
    expect(seen(await world.login(other))).toEqual(wrong);
});

test('PWD-11: the same work is done for an account that does not exist', async () => {
  let hashes = 0;
  const { passwords } = world.at.server;
  const { verify } = passwords;
  Object.assign(passwords, {
    verify: (...args: Parameters<typeof verify>) => {
      hashes += 1;
      return verify(...args);
    },
  });
  await world.login({ username: 'nobody at all' });
  await world.login({ username: 'nobody2' });
  await world.login({ password: 'wrong wrong wrong wrong' });
  expect(hashes).toBe(3);
  Object.assign(passwords, { verify });
});

test('PWD-04 RFC 8265: two spellings of one password, and of one name, are the same', async () => {
  await addAccount(world.at.server, 'josé@Example.com', 'caf\u00e9 caf\u00e9 caf\u00e9');
  const answer = await world.login({
    username: ' JOSE\u0301@example.COM ',
    password: 'cafe\u0301\u00a0cafe\u0301 cafe\u0301',
  });
  expect(answer.status).toBe(200);
});

test('PWD-09 SP 800-63B-4 §3.2.2: from the fifth failure on a guess waits, longer each time, over a restart; success resets', async () => {
  const name = 'victim';
  await addAccount(world.at.server, name);
  const guess = (password = 'wrong') => world.login({ username: name, password });
  for (let index = 0; index < 5; index++) expect((await guess()).status).toBe(401);
  const waits = await guess(PASSWORD);
  expect([waits.status, waits.headers.get('retry-after')]).toEqual([429, '1']);
  clock.advance(1_000);
  expect((await guess()).status).toBe(401);
  expect((await guess()).headers.get('retry-after')).toBe('2');
  clock.advance(2_000);
  expect((await guess(PASSWORD)).status).toBe(200);
  expect((await guess()).status).toBe(401);
});

test('PWD-11: guesses at a name that nobody has wait the same', async () => {
  const guess = () => world.login({ username: 'no-such-person' });
  for (let index = 0; index < 5; index++) expect((await guess()).status).toBe(401);
  const waits = await guess();
  expect([waits.status, waits.headers.get('retry-after')]).toEqual([429, '1']);
});

test('PWD-09: a hundred failures in a row end the password, and nobody is told', async () => {
  const name = 'locked';
  const id = await addAccount(world.at.server, name);
  const fail = { kind: 'password.fail', id, at: clock.now() } as const;
  await world.at.server.commit(
    () => Promise.resolve(),
    () => ({ outcome: { ok: true, value: undefined }, expects: [], writes: Array.from({ length: 99 }, () => fail) }),
  );
  clock.advance(900_000);
  expect((await world.login({ username: name, password: 'wrong' })).status).toBe(401);
  clock.advance(900_000);
  expect(await world.login({ username: name })).toMatchObject({ status: 401, body: { error: 'invalid_credentials' } });
});

test('PWD-09, PWD-11: parallel guesses do not get around the count, and look the same at a name that nobody has', async () => {
  await addAccount(world.at.server, 'parallel');
  const guess = async (username: string) => {
    const asked = { username, password: 'wrong', client_id: world.clientId };
    const guesses = await Promise.all(
      Array.from({ length: 20 }, () => world.post('/api/login', asked, {}, '198.51.100.7')),
    );
    return guesses.map(({ status, headers }) => `${status} ${headers.get('retry-after')}`).sort();
  };
  const expected = [...Array<string>(5).fill('401 null'), ...Array<string>(15).fill('429 1')];
  expect(await guess('parallel')).toEqual(expected);
  expect(await guess('nobody-parallel')).toEqual(expected);
});

test.each([
  ['a third-party client', { firstParty: false }, 400, 'unauthorized_client'],
  ['a confidential client', { authentication: 'client_secret_basic', firstParty: true }, 401, 'invalid_client'],
] as const)('only first-party public clients ask for a password: %s is refused', async (_, given, status, error) => {
  const client = await addClient(world.at.server, { authentication: 'none', ...given });
  expect(await world.login({ client_id: client.row.id })).toMatchObject({ status, body: { error } });
});

test('without a client_id the only first-party client is meant, and with two of them none', async () => {
  const own = await populate(await startTestServer());
  const credentials = { username: 'alice', password: PASSWORD };
  expect((await own.post('/api/login', credentials)).status).toBe(200);
  await addClient(own.at.server, { authentication: 'none', firstParty: true });
  expect(await own.post('/api/login', credentials)).toMatchObject({ status: 400, body: { error: 'invalid_request' } });
  await own.at.close();
});

test.each([
  ['no password', { password: undefined }],
  ['a password that is no text', { password: 5 }],
  ['an unknown delivery', { delivery: 'carrier pigeon' }],
])('%s is refused by the name of its field', async (_, more) => {
  const { status, body } = await world.login(more);
  expect([status, body.error]).toEqual([422, 'invalid_request']);
  expect(body.detail).toMatch(/password|delivery/);
});

test.each([
  ['unknown', 'https://nobody.example', 'invalid_target'],
  ['no URI', 'nonsense', 'invalid_target'],
])('RES-02 RFC 8707 §2: a resource that is %s is no target', async (_, resource, error) => {
  expect(await world.login({ resource })).toMatchObject({ status: 400, body: { error } });
});

test("a scope beyond the client's is refused, a narrower one given", async () => {
  expect(await world.login({ scope: 'read admin' })).toMatchObject({ status: 400, body: { error: 'invalid_scope' } });
  expect((await world.login({ scope: 'read' })).body.scope).toBe('read');
});

test('every first-party login also covers the server itself', async () => {
  const { body } = await world.login({ resource: world.at.issuer });
  const me = await world.get('/api/me', { authorization: `Bearer ${body.access_token}` });
  expect(me).toMatchObject({
    status: 200,
    body: { sub: world.accountId, identifiers: [{ kind: 'username', value: 'alice' }] },
  });
});

test('CORS-01: registered origins may read the answer, without credentials; others may neither read nor sign in', async () => {
  const good = await world.login({}, { origin: world.origin });
  expect([good.status, good.headers.get('access-control-allow-origin')]).toEqual([200, world.origin]);
  expect(good.headers.get('access-control-allow-credentials')).toBeNull();
  const evil = await world.login({}, { origin: 'https://evil.example' });
  expect([evil.status, evil.headers.get('access-control-allow-origin')]).toEqual([403, null]);
  const preflight = await world.at.fetch('/api/login', {
    method: 'OPTIONS',
    headers: { origin: world.origin, 'access-control-request-method': 'POST' },
  });
  expect(preflight.headers.get('access-control-allow-origin')).toBe(world.origin);
});

test('an account has so many sessions and no more: the oldest makes room', async () => {
  const id = await addAccount(world.at.server, 'many');
  const session = (index: number) => ({
    id: `ses_${String(index).padStart(26, '0')}` as never,
    version: 1,
    accountId: id,
    createdAt: clock.now(),
    expiresAt: (clock.now() + 1_000_000) as never,
    authTime: 1 as never,
    amr: [],
    acr: undefined,
    address: undefined,
    userAgent: undefined,
    pos: { epoch: 1, seq: 0 },
    ended: undefined,
    cookie: undefined,
  });
  await world.at.server.commit(
    () => Promise.resolve(),
    () => ({
      outcome: { ok: true, value: undefined },
      expects: [],
      writes: Array.from(
        { length: LIMITS.sessionsPerAccountMax },
        (_, index) => ({ kind: 'session.start', session: session(index) }) as const,
      ),
    }),
  );
  expect((await world.login({ username: 'many' })).status).toBe(200);
  const live = await world.at.server.store.read.liveSessions(id, clock.now());
  expect(live).toHaveLength(LIMITS.sessionsPerAccountMax);
  expect((await world.at.server.store.read.session(session(0).id))?.ended?.reason).toBe('too_many_sessions');
});

test('too many logins from one address wait', async () => {
  const from = '203.0.113.5';
  const send = () => world.post('/api/login', { username: 'x', password: 'y', client_id: 'cli_x' }, {}, from);
  const statuses = [];
  for (let index = 0; index < 61; index++) statuses.push((await send()).status);
  expect([statuses[59], statuses[60]]).toEqual([401, 429]);
});
