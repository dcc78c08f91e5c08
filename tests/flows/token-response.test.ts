import { DURATIONS } from '@latchkey/protocol/limits';
import { SETTINGS } from '@latchkey/server/settings';
import { testClock } from '@latchkey/testkit/clock';
import { populate, type World } from '@latchkey/testkit/people';
import { addClient, form, startTestServer } from '@latchkey/testkit/test-server';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { addAdministrator, type TestAdministrator } from './admin/administrator.ts';
import { refusalOf, refusedAs, rowsOf } from './refusal.ts';

const clock = testClock();
let world: World;
let admin: TestAdministrator;
let client: Awaited<ReturnType<typeof addClient>>;
beforeAll(async () => {
  world = await populate(await startTestServer({ now: clock.now }));
  admin = await addAdministrator(world.at);
  client = await addClient(world.at.server, { resources: [world.api.row.identifier] });
});
afterAll(() => world.at.close());

const ask = (
  fields: Readonly<Record<string, string>>,
  headers: Readonly<Record<string, string>> = { authorization: client.basic },
) => world.at.fetch('/oauth/token', form(fields, headers));
const claimsOf = (token: unknown) => JSON.parse(Buffer.from(String(token).split('.')[1] ?? '', 'base64url').toString());

test.each([
  ['all of its scope without asking', undefined, 'read write'],
  ['all of it by asking', 'read write', 'read write'],
  ['in the order in which it asks', 'write read', 'write read'],
  ['a part', 'read', 'read'],
  ['one of two', 'write', 'write'],
])('CODE-07 RFC 6749 §5.1: the answer to a client that gets %s', async (_, scope, granted) => {
  const answer = await ask({ grant_type: 'client_credentials', ...(scope === undefined ? {} : { scope }) });
  expect([answer.status, answer.headers.get('content-type'), await answer.json()]).toEqual([
    200,
    'application/json',
    { access_token: expect.any(String), token_type: 'Bearer', expires_in: 300, scope: granted },
  ]);
});

test.each(['password', 'implicit', 'token', 'id_token', 'AUTHORIZATION_CODE', 'PASSWORD', 'client_credentials '])(
  'CODE-08 OAuth 2.1, RFC 9700 §2.4: there is no grant_type %s, with a name and a password neither',
  async (grant_type) => {
    const before = rowsOf(world.at);
    const fields = { grant_type, username: 'alice', password: 'a passphrase that nobody guesses' };
    expect(await refusalOf(world.at, await ask(fields))).toEqual(refusedAs('grant_type_unsupported'));
    const firstParty = { ...fields, client_id: world.clientId };
    expect(await refusalOf(world.at, await ask(firstParty, {}))).toEqual(refusedAs('grant_type_unsupported'));
    expect(rowsOf(world.at)).toEqual(before);
  },
);

test('CODE-08: nothing of an implicit or password grant is in the metadata', async () => {
  const metadata = await (await world.at.fetch('/.well-known/oauth-authorization-server')).json();
  expect([metadata.grant_types_supported, metadata.response_types_supported]).toEqual([
    ['authorization_code', 'client_credentials', 'refresh_token', 'urn:ietf:params:oauth:grant-type:token-exchange'],
    ['code'],
  ]);
});

test('CODE-09 OAuth 2.1: client_credentials is for confidential clients, and gives no refresh token', async () => {
  const body = await (await ask({ grant_type: 'client_credentials' })).json();
  expect([Object.keys(body).includes('refresh_token'), claimsOf(body.access_token).fid]).toEqual([false, undefined]);
  const open = await addClient(world.at.server, { authentication: 'none', resources: [world.api.row.identifier] });
  const before = rowsOf(world.at);
  expect(
    await refusalOf(world.at, await ask({ grant_type: 'client_credentials', client_id: open.row.id }, {})),
  ).toEqual(refusedAs('grant_type_not_allowed'));
  expect(rowsOf(world.at)).toEqual(before);
});

test('CODE-10 RFC 6749 §5.2: a grant that nobody knows is another error than one that this client may not use', async () => {
  const none = await addClient(world.at.server, { grantTypes: ['refresh_token'] });
  const headers = { authorization: none.basic };
  expect([
    await refusalOf(world.at, await ask({ grant_type: 'urn:x' }, headers)),
    await refusalOf(world.at, await ask({ grant_type: 'client_credentials' }, headers)),
    await refusalOf(world.at, await ask({}, headers)),
  ]).toEqual([
    { status: 400, code: 'unsupported_grant_type', cause: 'grant_type_unsupported' },
    { status: 400, code: 'unauthorized_client', cause: 'grant_type_not_allowed' },
    { status: 400, code: 'invalid_request', cause: 'parameter_missing' },
  ]);
});

test('NUM-02 RFC 9700 §2.2, ASVS 9.2.1: an access token lives for 300 seconds where nobody says otherwise', async () => {
  expect([DURATIONS.accessTokenDefault, SETTINGS.accessTokenSeconds.fallback]).toEqual([300, 300]);
  const identifier = 'https://life.example';
  const made = await admin.post('/resources', { identifier, name: 'Life', scopes: ['read'] });
  expect(made.body.access_token_seconds).toBe(300);
  const machine = await addClient(world.at.server, { resources: [identifier as typeof world.api.row.identifier] });
  const body = await (await ask({ grant_type: 'client_credentials' }, { authorization: machine.basic })).json();
  const { iat, exp } = claimsOf(body.access_token);
  expect([body.expires_in, exp - iat, iat]).toEqual([300, 300, Math.floor(clock.now() / 1000)]);
});

test.each([
  [DURATIONS.accessTokenMin - 1, 422],
  [DURATIONS.accessTokenMin, 201],
  [DURATIONS.accessTokenMax, 201],
  [DURATIONS.accessTokenMax + 1, 422],
])('NUM-02: a resource whose tokens live for %d seconds is answered with %d', async (seconds, status) => {
  const wanted = { identifier: `https://life-${seconds}.example`, name: 'Life', access_token_seconds: seconds };
  expect((await admin.post('/resources', wanted)).status).toBe(status);
});

test('ERR-09 RFC 7662 §2.3: an authorised question is answered with 200, whatever the token is', async () => {
  const { access_token: good } = await (await ask({ grant_type: 'client_credentials' })).json();
  const introspect = (fields: Readonly<Record<string, string>>, headers: Readonly<Record<string, string>>) =>
    world.at.fetch('/oauth/introspect', form(fields, headers));
  const api = { authorization: world.api.basic };
  expect(await (await introspect({ token: good }, api)).json()).toMatchObject({ active: true });
  for (const token of [
    'x',
    'a.b.c',
    `${good}x`,
    'lk_rt_x',
    good.replace(/\.[^.]*$/, '.'),
    'x'.repeat(20_000),
    '\u0000',
  ]) {
    const answer = await introspect({ token }, api);
    expect([answer.status, await answer.json()]).toEqual([200, { active: false }]);
  }
  expect(await refusalOf(world.at, await introspect({}, api))).toEqual(refusedAs('parameter_missing'));
});

test('ERR-09 RFC 7662 §2.3: nobody else is answered: 401 with the scheme that is asked for', async () => {
  const { access_token: token } = await (await ask({ grant_type: 'client_credentials' })).json();
  const wrong = `Basic ${Buffer.from(`${world.api.row.id}:wrong`).toString('base64')}`;
  for (const [authorization, cause] of [
    [undefined, 'introspection_not_allowed'],
    [`Bearer ${token}`, 'introspection_not_allowed'],
    [client.basic, 'client_unknown'],
    [wrong, 'client_secret_wrong'],
  ] as const) {
    const answer = await world.at.fetch(
      '/oauth/introspect',
      form({ token }, authorization === undefined ? {} : { authorization }),
    );
    expect(answer.headers.get('www-authenticate')).toBe(`Basic realm="${world.at.issuer}"`);
    expect(await refusalOf(world.at, answer)).toEqual(refusedAs(cause));
  }
});
