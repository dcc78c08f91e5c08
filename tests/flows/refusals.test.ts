import { LIMITS } from '@latchkey/protocol/limits';
import { testClock } from '@latchkey/testkit/clock';
import { PASSWORD, populate, type World } from '@latchkey/testkit/people';
import { addClient, form, jsonBody, startTestServer } from '@latchkey/testkit/test-server';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { addAdministrator, type TestAdministrator } from './admin/administrator.ts';
import { refusalOf, refusedAs, rowsOf } from './refusal.ts';

/** Slow enough that others wait meanwhile. */
const SLOW_HASH = { memoryCost: 65_536, timeCost: 4, parallelism: 1 } as const;

let world: World;
let admin: TestAdministrator;
let client: Awaited<ReturnType<typeof addClient>>;
const clock = testClock();
beforeAll(async () => {
  const settings = { mode: 'production', issuer: 'http://localhost:8400' };
  world = await populate(await startTestServer({ settings, now: clock.now }));
  admin = await addAdministrator(world.at);
  client = await addClient(world.at.server, { resources: [world.api.row.identifier] });
});
afterAll(() => world.at.close());

const GRANT = { grant_type: 'client_credentials' };
const basic = (id: string, secret: string) => ({
  authorization: `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}`,
});
const token = (fields: Readonly<Record<string, string>>, headers: Readonly<Record<string, string>> = {}) =>
  world.at.fetch('/oauth/token', form({ ...GRANT, ...fields }, headers));
const login = (more: object, headers: Readonly<Record<string, string>> = {}) =>
  world.at.fetch(
    '/api/login',
    jsonBody({ username: 'alice', password: PASSWORD, client_id: world.clientId, ...more }, headers),
  );
const ownPage = () => ({ origin: world.at.issuer, 'sec-fetch-site': 'same-origin', 'x-latchkey-csrf': 'login' });
const get = (path: string, headers: Readonly<Record<string, string>> = {}) => world.at.fetch(path, { headers });

/** Requests that are refused, each for one cause, and leave every row as it was. */
const REFUSED = {
  path_unknown: () => get('/nowhere'),
  method_not_allowed: () => get('/oauth/token'),
  content_type_wrong: () => world.at.fetch('/api/login', { method: 'POST', body: '{}' }),
  body_malformed: () =>
    world.at.fetch('/api/login', { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"' }),
  body_too_large: () => login({ colour: 'x'.repeat(LIMITS.bodyBytesMax) }),
  field_invalid: () => login({ password: 1 }),
  credentials_in_query: () => world.at.fetch('/oauth/token?client_secret=x', form(GRANT)),
  client_authentication_missing: () => token({}),
  client_authentication_twice: () => token({ client_secret: client.secret }, { authorization: client.basic }),
  client_authentication_malformed: () => token({}, { authorization: 'Basic %' }),
  client_unknown: () => token({}, basic('cli_00000000000000000000000000', 'x')),
  client_secret_wrong: () => token({}, basic(client.row.id, 'x')),
  client_method_wrong: () => token({ client_id: client.row.id, client_secret: client.secret }),
  delivery_not_allowed: () => login({ delivery: 'cookie' }, { ...ownPage(), origin: world.origin }),
  origin_not_allowed: () => login({}, { origin: 'https://evil.example' }),
  access_token_missing: () => get('/api/me'),
  admin_token_refused: async () => {
    const { access_token: other } = await (await token({}, { authorization: client.basic })).json();
    return get('/admin/api/accounts', { authorization: `Bearer ${other}` });
  },
  introspection_not_allowed: () => world.at.fetch('/oauth/introspect', form({ token: 'x' })),
  feed_not_allowed: () => get('/revocations'),
  feed_cursor_malformed: () => get('/revocations?after=1', { authorization: world.api.basic }),
} as const;

test.each(Object.entries(REFUSED))('a request is refused as %s, and nothing has changed', async (cause, send) => {
  const before = rowsOf(world.at);
  expect(await refusalOf(world.at, await send())).toEqual(refusedAs(cause as keyof typeof REFUSED));
  expect(rowsOf(world.at)).toEqual(before);
});

test('reports are for resource servers: feed_not_allowed, and nothing is remembered', async () => {
  const refusal = { id: 'v-1', error: 'token_expired', at: 1, where: 'x', about: {} };
  const answer = await world.at.fetch('/reports', jsonBody({ refusals: [refusal] }));
  expect(await refusalOf(world.at, answer)).toEqual(refusedAs('feed_not_allowed'));
  expect(world.at.server.refusals.find('v-1')).toBeUndefined();
});

test('client_secret_expired: the replaced secret works until its overlap is over, and not a millisecond longer', async () => {
  const old = await addClient(world.at.server, { resources: [world.api.row.identifier] });
  await admin.post(`/clients/${old.row.id}/secrets`, { overlap_seconds: 60 });
  clock.advance(59_999);
  expect((await token({}, { authorization: old.basic })).status).toBe(200);
  clock.advance(1);
  const before = rowsOf(world.at);
  expect(await refusalOf(world.at, await token({}, { authorization: old.basic }))).toEqual(
    refusedAs('client_secret_expired'),
  );
  expect(rowsOf(world.at)).toEqual(before);
});

test('client_ambiguous: of two first-party clients none is guessed', async () => {
  await addClient(world.at.server, { authentication: 'none', firstParty: true });
  const before = rowsOf(world.at);
  expect(await refusalOf(world.at, await login({ client_id: undefined }))).toEqual(refusedAs('client_ambiguous'));
  expect(rowsOf(world.at)).toEqual(before);
});

test.each([
  ['from another origin', { origin: 'https://evil.example' }],
  ['from no origin', { origin: '' }],
  ['from the origin null', { origin: 'null' }],
  ['from another site', { 'sec-fetch-site': 'cross-site' }],
  ['from a sister host', { 'sec-fetch-site': 'same-site' }],
  ['without its token', { 'x-latchkey-csrf': '' }],
  ['with the token of another login', { 'x-latchkey-csrf': 'x'.repeat(43) }],
])('attack 8.23: what a cookie may change is refused %s: csrf_refused, and nothing has changed', async (_, more) => {
  const signedIn = await world.login({ delivery: 'cookie' }, ownPage());
  const cookie = Object.entries(signedIn.cookies)
    .map((pair) => pair.join('='))
    .join('; ');
  const headers = { ...ownPage(), cookie, 'x-latchkey-csrf': String(signedIn.body.csrf_token) };
  const before = rowsOf(world.at);
  for (const [method, path] of [
    ['POST', '/api/refresh'],
    ['POST', '/api/logout'],
    ['POST', '/api/password'],
    ['DELETE', '/api/sessions'],
    ['DELETE', '/api/sessions/ses_00000000000000000000000000'],
  ] as const) {
    const init = jsonBody({ current_password: PASSWORD, new_password: 'another passphrase' }, { ...headers, ...more });
    const answer = await world.at.fetch(path, method === 'POST' ? init : { method, headers: { ...headers, ...more } });
    expect([path, await refusalOf(world.at, answer)]).toEqual([path, refusedAs('csrf_refused')]);
  }
  expect(rowsOf(world.at)).toEqual(before);
  expect((await world.post('/api/refresh', {}, headers)).status).toBe(200);
});

test('overloaded: with a hash under way and one waiting, one more login is refused, and refreshes go on', async () => {
  const settings = { hashConcurrency: '1', hashQueue: '1' };
  const own = await populate(await startTestServer({ settings, hashCost: SLOW_HASH }));
  const { body } = await own.login();
  const busy = [own.login(), own.login()];
  const asked = jsonBody({ username: 'alice', password: PASSWORD, client_id: own.clientId });
  const refused = await own.at.fetch('/api/login', asked);
  expect([await refusalOf(own.at, refused), refused.headers.get('retry-after')]).toEqual([
    refusedAs('overloaded'),
    '2',
  ]);
  expect((await own.post('/api/refresh', { refresh_token: body.refresh_token })).status).toBe(200);
  expect((await Promise.all(busy)).map(({ status }) => status)).toEqual([200, 200]);
  await own.at.close();
});

test('shutting_down: a server that drains is not ready, and finishes what comes in', async () => {
  const own = await populate(await startTestServer());
  own.at.running.drain();
  const answer = await own.at.fetch('/readyz');
  expect([await refusalOf(own.at, answer), answer.headers.get('retry-after')]).toEqual([
    refusedAs('shutting_down'),
    '1',
  ]);
  expect((await own.login()).status).toBe(200);
  await own.at.close();
});

test('storage_unavailable: without a database nothing is answered but that', async () => {
  const own = await populate(await startTestServer());
  await own.at.server.store.close();
  for (const [path, init] of [
    ['/oauth/token', form(GRANT, { authorization: 'Basic eDp5' })],
    ['/api/login', jsonBody({ username: 'alice', password: PASSWORD, client_id: own.clientId })],
    ['/readyz', {}],
    ['/.well-known/jwks.json', {}],
  ] as const) {
    const answer = await own.at.fetch(path, init);
    expect([path, await refusalOf(own.at, answer), answer.headers.get('retry-after')]).toEqual([
      path,
      refusedAs('storage_unavailable'),
      '1',
    ]);
  }
  expect((await own.at.fetch('/healthz')).status).toBe(200);
  await own.at.close().catch(() => undefined);
});

const reader = (secret: string) => ({
  credential: { owner: world.api.row.id, secret: secret as never },
  send: () => true,
  end: () => undefined,
});

test.each([
  ['of one credential', LIMITS.streamsPerCredentialMax, () => 'sec_one'],
  ['in all', LIMITS.streamsMax, (index: number) => `sec_${index}`],
])(
  'streams_too_many: there are so many streams %s and no more, and one that ends makes room',
  async (_, max, secretOf) => {
    const { feed } = world.at.server;
    const leave = Array.from({ length: max }, (_unused, index) => feed.subscribe(undefined, reader(secretOf(index))));
    expect(leave.every((one) => one !== undefined)).toBe(true);
    expect(feed.subscribe(undefined, reader('sec_one'))).toBeUndefined();
    leave[0]?.();
    const last = feed.subscribe(undefined, reader('sec_one'));
    expect(last).toBeDefined();
    for (const one of [...leave, last]) one?.();
  },
);

test('streams_too_many: the answer says when to come back', async () => {
  const { feed } = world.at.server;
  const leave = Array.from({ length: LIMITS.streamsMax }, (_, index) => feed.subscribe(undefined, reader(`s${index}`)));
  const headers = { accept: 'text/event-stream', authorization: world.api.basic };
  const refused = await get('/revocations', headers);
  expect([await refusalOf(world.at, refused), refused.headers.get('retry-after')]).toEqual([
    refusedAs('streams_too_many'),
    '5',
  ]);
  for (const one of leave) one?.();
  const again = await get('/revocations', headers);
  expect(again.status).toBe(200);
  await again.body?.cancel();
});
