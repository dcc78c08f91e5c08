import { testClock } from '@latchkey/testkit/clock';
import { type Answered, populate, read, type World } from '@latchkey/testkit/people';
import { addClient, addResource, form, startTestServer } from '@latchkey/testkit/test-server';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { refusalOf, refusedAs, rowsOf } from './refusal.ts';

const DAY = 86_400_000;
let world: World;
const clock = testClock();
beforeAll(async () => {
  world = await populate(await startTestServer({ now: clock.now }));
});
afterAll(() => world.at.close());

const claimsOf = (token: unknown) => JSON.parse(Buffer.from(String(token).split('.')[1] ?? '', 'base64url').toString());
const send = (token: unknown, more: Readonly<Record<string, string>> = {}, clientId: string = world.clientId) =>
  world.at.fetch(
    '/oauth/token',
    form({ grant_type: 'refresh_token', refresh_token: String(token), client_id: clientId, ...more }),
  );
const refresh = async (token: unknown, more: Readonly<Record<string, string>> = {}): Promise<Answered> =>
  read(await send(token, more));
/** A login from an address of its own: the limit of one address is none of this file's matter. */
let logins = 0;
const signIn = async (more: object = {}, headers: Readonly<Record<string, string>> = {}) => {
  const credentials = { username: 'alice', password: 'a passphrase that nobody guesses', client_id: world.clientId };
  const answer = await world.post('/api/login', { ...credentials, ...more }, headers, `192.0.2.${++logins}`);
  expect(answer.status).toBe(200);
  return answer;
};
const isActive = async (token: unknown) => {
  const asked = form({ token: String(token) }, { authorization: world.api.basic });
  return (await (await world.at.fetch('/oauth/introspect', asked)).json()).active;
};

test('RT-06 RFC 6749 §6, attack 8.3: a refresh token of another client is refused, whichever client presents it', async () => {
  const { body } = await signIn();
  const open = await addClient(world.at.server, { authentication: 'none' });
  const closed = await addClient(world.at.server);
  const { fid } = claimsOf(body.access_token);
  const family = () => world.at.server.store.read.family(fid);
  const before = await family();
  const thieves = [
    () => send(body.refresh_token, {}, open.row.id),
    () =>
      world.at.fetch(
        '/oauth/token',
        form(
          { grant_type: 'refresh_token', refresh_token: String(body.refresh_token) },
          { authorization: closed.basic },
        ),
      ),
  ];
  for (const steal of thieves)
    expect(await refusalOf(world.at, await steal())).toEqual(refusedAs('refresh_token_of_other_client'));
  expect(await family()).toEqual(before);
  const [last] = await world.at.server.store.read.audit(undefined, 1);
  expect([last?.event, last?.actor]).toEqual(['refresh_token.of_other_client', closed.row.id]);
  expect((await refresh(body.refresh_token)).status).toBe(200);
});

test('RT-06 RFC 6749 §6: a refresh needs the client that it was issued to, by name where it proves nothing', async () => {
  const { body } = await signIn();
  const before = rowsOf(world.at);
  const nameless = form({ grant_type: 'refresh_token', refresh_token: String(body.refresh_token) });
  expect(await refusalOf(world.at, await world.at.fetch('/oauth/token', nameless))).toEqual(
    refusedAs('client_authentication_missing'),
  );
  expect(rowsOf(world.at)).toEqual(before);
});

test('RT-07, RT-16 RFC 10017: a family ends when it was to end at login, however often it is refreshed', async () => {
  const clock = testClock();
  const own = await populate(await startTestServer({ now: clock.now }));
  let { refresh_token: token } = (await own.login()).body;
  const ends: number[] = [];
  for (let day = 10; day < 90; day += 10) {
    clock.advance(10 * DAY);
    const answer = await own.post('/api/refresh', { refresh_token: token });
    expect(answer.status).toBe(200);
    token = answer.body.refresh_token;
    ends.push(Number(answer.body.authorization_expires_in) + day * 86_400);
    expect(answer.body.refresh_token_expires_in).toBe(Math.min(14, 90 - day) * 86_400);
  }
  expect(new Set(ends)).toEqual(new Set([90 * 86_400]));
  clock.advance(10 * DAY - 1);
  const last = await own.post('/api/refresh', { refresh_token: token });
  expect([last.status, last.body.refresh_token_expires_in]).toEqual([200, 0]);
  clock.advance(1);
  const refused = await own.post('/api/refresh', { refresh_token: last.body.refresh_token });
  expect(refused).toMatchObject({ status: 400, body: { error: 'invalid_grant' } });
  await own.at.close();
});

test.each([
  ['a body family just before', 'body', 14 * DAY - 1, undefined],
  ['a body family at', 'body', 14 * DAY, 'refresh_token_expired'],
  ['a body family just after', 'body', 14 * DAY + 1, 'refresh_token_expired'],
  ['a cookie family just before', 'cookie', DAY - 1, undefined],
  ['a cookie family at', 'cookie', DAY, 'refresh_token_expired'],
] as const)('RT-08 RFC 10017, ASVS 10.4.8: %s the end of its idle time', async (_, delivery, idle, cause) => {
  const clock = testClock();
  const own = await populate(await startTestServer({ now: clock.now }));
  const page = { origin: own.at.issuer, 'sec-fetch-site': 'same-origin', 'x-latchkey-csrf': 'login' };
  const { body, cookies } = await own.login({ delivery }, delivery === 'cookie' ? page : {});
  clock.advance(idle);
  const headers =
    delivery === 'cookie'
      ? {
          ...page,
          'x-latchkey-csrf': String(body.csrf_token),
          cookie: `__Host-latchkey-refresh=${cookies['__Host-latchkey-refresh']}`,
        }
      : {};
  const before = rowsOf(own.at);
  const answer = await own.at.fetch('/api/refresh', {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(delivery === 'cookie' ? {} : { refresh_token: body.refresh_token }),
  });
  if (cause === undefined) expect(answer.status).toBe(200);
  else {
    expect(await refusalOf(own.at, answer)).toEqual(refusedAs(cause));
    expect(rowsOf(own.at)).toEqual(before);
  }
  await own.at.close();
});

test('RT-09 RFC 6749 §6: scope is a part of what was granted; without it all of that again, after a narrow one too', async () => {
  const { body } = await signIn({ scope: 'read write' });
  const narrow = await refresh(body.refresh_token, { scope: 'read' });
  expect([narrow.body.scope, claimsOf(narrow.body.access_token).scope]).toEqual(['read', 'read']);
  const whole = await refresh(narrow.body.refresh_token);
  expect([whole.body.scope, claimsOf(whole.body.access_token).scope]).toEqual(['read write', 'read write']);
  const before = rowsOf(world.at);
  for (const [scope, cause] of [
    ['read admin', 'scope_exceeds_family'],
    ['READ', 'scope_exceeds_family'],
    ['openid', 'scope_exceeds_family'],
    ['read  write', 'scope_malformed'],
    ['read"', 'scope_malformed'],
  ] as const)
    expect(await refusalOf(world.at, await send(whole.body.refresh_token, { scope }))).toEqual(refusedAs(cause));
  expect(rowsOf(world.at)).toEqual(before);
  expect((await refresh(whole.body.refresh_token)).status).toBe(200);
});

test('RT-09 RFC 6749 §6: a login of narrow scope is never widened', async () => {
  const { body } = await signIn({ scope: 'read' });
  expect(await refusalOf(world.at, await send(body.refresh_token, { scope: 'read write' }))).toEqual(
    refusedAs('scope_exceeds_family'),
  );
  expect((await refresh(body.refresh_token)).body.scope).toBe('read');
});

test('RT-10 RFC 8707 §2.2: resource is one that was granted, and none that exists beside', async () => {
  const other = await addResource(world.at.server);
  const { body } = await signIn();
  const before = rowsOf(world.at);
  for (const resource of [other.row.identifier, `${world.api.row.identifier}/`, `${world.at.issuer}/admin/api`])
    expect([resource, await refusalOf(world.at, await send(body.refresh_token, { resource }))]).toEqual([
      resource,
      refusedAs('resource_exceeds_family'),
    ]);
  expect(rowsOf(world.at)).toEqual(before);
  const forServer = await refresh(body.refresh_token, { resource: world.at.issuer });
  expect([forServer.status, claimsOf(forServer.body.access_token).aud]).toEqual([200, world.at.issuer]);
  const forApi = await refresh(forServer.body.refresh_token);
  expect(claimsOf(forApi.body.access_token).aud).toBe(world.api.row.identifier);
});

test('RT-05: within the overlap only the last token counts: the one before it is theft', async () => {
  const attempt = { attempt_id: 'again' };
  const first = await signIn();
  const second = await refresh(first.body.refresh_token, attempt);
  const third = await refresh(second.body.refresh_token, attempt);
  expect((await refresh(second.body.refresh_token, attempt)).body.refresh_token).toBe(third.body.refresh_token);
  expect(await refusalOf(world.at, await send(first.body.refresh_token, attempt))).toEqual(
    refusedAs('refresh_token_reused'),
  );
  expect((await refresh(third.body.refresh_token)).status).toBe(400);
});

/** Fifty at a time, as fast as they come. */
const fifty = (one: () => Promise<Answered>) => Promise.all(Array.from({ length: 50 }, one));
const successors = (answers: readonly Answered[]) => new Set(answers.map(({ body }) => body.refresh_token));

test('attack 8.1: of 50 refreshes at once without an overlap one gets a successor, and that one dies with the family', async () => {
  const { body } = await signIn();
  const answers = await fifty(() => refresh(body.refresh_token));
  const good = answers.filter(({ status }) => status === 200);
  const refused = answers.filter(({ status }) => status === 400);
  expect([good.length, refused.length]).toEqual([1, 49]);
  expect((await refresh(good[0]?.body.refresh_token)).body).toMatchObject({ error: 'invalid_grant' });
  expect(await isActive(good[0]?.body.access_token)).toBe(false);
  const rows = await world.at.server.store.read.auditOf(claimsOf(body.access_token).fid, 200);
  expect(rows.filter(({ event }) => event === 'refresh_token.reused')).toHaveLength(1);
});

test('RT-05, attack 8.1: of 50 refreshes at once by one attempt all get one successor; after the overlap it is theft', async () => {
  const { body } = await signIn();
  const attempt = { attempt_id: 'one attempt of the client' };
  const answers = await fifty(() => refresh(body.refresh_token, attempt));
  expect(answers.map(({ status }) => status)).toEqual(Array(50).fill(200));
  expect(successors(answers).size).toBe(1);
  const [successor] = successors(answers);
  const next = await refresh(successor);
  expect(next.status).toBe(200);
  clock.advance(10_000);
  expect(await refusalOf(world.at, await send(body.refresh_token, attempt))).toEqual(refusedAs('refresh_token_reused'));
  expect(await refusalOf(world.at, await send(next.body.refresh_token))).toEqual(refusedAs('refresh_token_ended'));
  expect(await isActive(next.body.access_token)).toBe(false);
});

test('RT-05, attack 8.1: 50 tabs refresh by cookie at once and keep one login; an old cookie ends it', async () => {
  const page = { origin: world.at.issuer, 'sec-fetch-site': 'same-origin', 'x-latchkey-csrf': 'login' };
  const login = await signIn({ delivery: 'cookie' }, page);
  const csrf = { ...page, 'x-latchkey-csrf': String(login.body.csrf_token) };
  const cookieOf = ({ cookies }: Answered) => cookies['__Host-latchkey-refresh'] ?? '';
  const byCookie = (cookie: string) =>
    world.post('/api/refresh', {}, { ...csrf, cookie: `__Host-latchkey-refresh=${cookie}` });
  const answers = await fifty(() => byCookie(cookieOf(login)));
  const [next = '', ...others] = new Set(answers.map(cookieOf));
  expect([answers.every(({ status }) => status === 200), others]).toEqual([true, []]);
  clock.advance(10_000);
  expect((await byCookie(cookieOf(login))).status).toBe(400);
  expect((await byCookie(next)).status).toBe(400);
});

test('attack 8.3: a machine has no refresh token to lose, and no other grant gives it one', async () => {
  const machine = await addClient(world.at.server, { resources: [world.api.row.identifier] });
  const ask = (fields: Readonly<Record<string, string>>) =>
    world.at.fetch('/oauth/token', form(fields, { authorization: machine.basic }));
  expect(await (await ask({ grant_type: 'client_credentials' })).json()).not.toHaveProperty('refresh_token');
  expect(await refusalOf(world.at, await ask({ grant_type: 'authorization_code', code: 'x' }))).toEqual(
    refusedAs('grant_type_not_allowed'),
  );
  for (const grant_type of ['urn:ietf:params:oauth:grant-type:device_code', 'implicit', 'password'])
    expect(await refusalOf(world.at, await ask({ grant_type, code: 'x', device_code: 'x' }))).toEqual(
      refusedAs('grant_type_unsupported'),
    );
});
