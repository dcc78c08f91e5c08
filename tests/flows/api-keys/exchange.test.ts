import type { ApiKey } from '@latchkey/domain/api-keys/api-key';
import { allow } from '@latchkey/domain/decision';
import type { Write } from '@latchkey/domain/write';
import type { ErrorId } from '@latchkey/protocol/errors';
import { later, seconds } from '@latchkey/protocol/types';
import { exchangeApiKey } from '@latchkey/server/grants/exchange-api-key';
import { addApiKey } from '@latchkey/testkit/api-keys';
import { testClock } from '@latchkey/testkit/clock';
import { populate, type World } from '@latchkey/testkit/people';
import { addClient, addResource, form, startTestServer } from '@latchkey/testkit/test-server';
import { encodeApiKey } from '@latchkey/tokens/formats/api-key';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { addAdministrator } from '../admin/administrator.ts';
import { refusalOf, refusedAs, rowsOf } from '../refusal.ts';

const GRANT = 'urn:ietf:params:oauth:grant-type:token-exchange';
const PROXY = '203.0.113.80';
const clock = testClock();
let world: World;
beforeAll(async () => {
  const settings = { trustedProxies: PROXY };
  world = await populate(await startTestServer({ now: clock.now, monotonic: clock.now, settings }));
});
afterAll(() => world.at.close());
let addresses = 0;
beforeEach(() => {
  addresses += 1;
});

const addKey = (more: Partial<ApiKey> = {}) =>
  addApiKey(world.at, { owner: world.accountId, resource: world.api.row.identifier, ...more });
type Fields = Readonly<Record<string, string>>;
const send = (token: string, more: Fields = {}, headers: Fields = {}, remote = `198.51.100.${addresses}`) => {
  const type = 'urn:latchkey:params:oauth:token-type:api_key';
  const fields = { grant_type: GRANT, subject_token: token, subject_token_type: type, ...more };
  return world.at.fetch('/oauth/token', form(fields, headers), remote);
};
const exchange = async (token: string, more: Fields = {}, headers: Fields = {}) => {
  const answer = await send(token, more, headers);
  const body = await answer.json();
  expect([answer.status, answer.headers.get('cache-control')]).toEqual([200, 'no-store']);
  return { body, claims: JSON.parse(Buffer.from(body.access_token.split('.')[1], 'base64url').toString()) };
};
const write = (...writes: readonly Write[]) =>
  world.at.server.commit(
    () => Promise.resolve(),
    () => allow(undefined, writes),
  );
const isActive = async (token: string): Promise<unknown> => {
  const answer = await world.at.fetch('/oauth/introspect', form({ token }, { authorization: world.api.basic }));
  return (await answer.json()).active;
};
const mayPass = async (token: string): Promise<boolean> => {
  const headers = { 'x-original-method': 'GET', 'x-original-uri': '/', authorization: `Bearer ${token}` };
  return (await world.at.fetch(`/verify/${world.api.row.id}`, { headers }, PROXY)).status === 200;
};

test('APK-05 RFC 8693 §2.2.1: a key alone is exchanged for a token of its owner, without one to renew it', async () => {
  const resource = world.api.row.identifier;
  await write({ kind: 'role.grant', role: { accountId: world.accountId, resource, role: 'clerk' } });
  const { row, text } = await addKey({ tenant: 'north' });
  const before = rowsOf(world.at);
  const { body, claims } = await exchange(text, { scope: 'read', resource });
  expect(body).toEqual({
    access_token: expect.any(String),
    token_type: 'Bearer',
    expires_in: 300,
    scope: 'read',
    issued_token_type: 'urn:ietf:params:oauth:token-type:access_token',
  });
  const { position } = await world.at.server.store.read.moment();
  expect(claims).toEqual({
    iss: world.at.issuer,
    sub: world.accountId,
    aud: world.api.row.audience,
    client_id: row.id,
    jti: expect.any(String),
    iat: seconds(clock.now()),
    exp: seconds(clock.now()) + 300,
    pos: `${position.epoch}:${position.seq}`,
    scope: 'read',
    roles: ['clerk'],
    org_id: 'north',
    api_key: row.id,
    act: { sub: row.id },
  });
  expect(rowsOf(world.at)).toEqual(before);
  expect([await isActive(body.access_token), await mayPass(body.access_token)]).toEqual([true, true]);
  await write({ kind: 'role.revoke', role: { accountId: world.accountId, resource, role: 'clerk' } });
});

test('APK-05 RFC 8693 §4.1: a client that authenticates acts in the token, within its own scopes', async () => {
  const resources = [world.api.row.identifier];
  const client = await addClient(world.at.server, { resources, grantTypes: [GRANT], scope: ['read'] });
  const { row, text } = await addKey();
  const { claims } = await exchange(text, {}, { authorization: client.basic });
  const act = { sub: client.row.id, act: { sub: row.id } };
  expect(claims).toMatchObject({ sub: world.accountId, client_id: client.row.id, act, scope: 'read', api_key: row.id });

  const owner = await addClient(world.at.server);
  const owned = await addKey({ owner: owner.row.id });
  expect((await exchange(owned.text)).claims).toMatchObject({ sub: owner.row.id, client_id: owner.row.id });
  const { body, claims: by } = await exchange(owned.text, {}, { authorization: client.basic });
  expect(by).toMatchObject({ sub: owner.row.id, client_id: client.row.id, act: { sub: client.row.id } });
  expect(await isActive(body.access_token)).toBe(true);
  await write({ kind: 'client.delete', id: owner.row.id, at: clock.now() });
  expect([await isActive(body.access_token), await mayPass(body.access_token)]).toEqual([false, false]);
});

test('APK-05, APK-06: a token dies with its key, with the client that exchanged it, and with its owner', async () => {
  const admin = await addAdministrator(world.at);
  const client = await addClient(world.at.server, { resources: [world.api.row.identifier], grantTypes: [GRANT] });
  const [first, second, third] = [await addKey(), await addKey(), await addKey()];
  const one = (await exchange(first.text)).body.access_token;
  const two = (await exchange(second.text, {}, { authorization: client.basic })).body.access_token;
  const three = (await exchange(third.text)).body.access_token;
  const live = async () => [await isActive(one), await isActive(two), await isActive(three)];
  const told = async (credential: string) => {
    const { checks } = (await admin.post('/explain', { credential })).body;
    return checks.find(({ result }: { result: string }) => result === 'failed')?.check;
  };
  expect([await live(), await told(one), await told(two)]).toEqual([[true, true, true], undefined, undefined]);
  expect((await admin.delete(`/api-keys/${first.row.id}`)).status).toBe(204);
  expect([await live(), await told(one), await mayPass(one)]).toEqual([[false, true, true], 'api_key', false]);
  await write({ kind: 'client.delete', id: client.row.id, at: clock.now() });
  expect([await live(), await told(two)]).toEqual([[false, false, true], 'client']);
  await write({ kind: 'account.disable', id: world.accountId, at: clock.now() });
  expect([await live(), await told(three)]).toEqual([[false, false, false], 'api_key']);
  await write({ kind: 'account.enable', id: world.accountId });
});

test('APK-05: it lives for no more than 300 s, and not longer than its key', async () => {
  const { text } = await addKey({ expiresAt: later(clock.now(), 90_000) });
  expect((await exchange(text)).body.expires_in).toBeLessThanOrEqual(90);
  const slow = await addResource(world.at.server, { accessTokenSeconds: 3_600 });
  expect((await exchange((await addKey({ resource: slow.row.identifier })).text)).body.expires_in).toBe(300);
});

test('each exchange is one use, and what is refused is none', async () => {
  const { row, text } = await addKey({ quota: { uses: 2, period: 'day' } });
  const refused = async (more: Fields) => (await send(text, more)).status;
  expect([await refused({ scope: 'x' }), await refused({ resource: 'https://other.example' })]).toEqual([400, 400]);
  await exchange(text);
  await exchange(text);
  const answer = await send(text);
  const { 'ratelimit-policy': policy, ratelimit, 'retry-after': wait } = Object.fromEntries(answer.headers);
  expect([policy, ratelimit?.split(';')[1], Number(wait) > 0]).toEqual(['"quota";q=2', 'r=0', true]);
  expect(await refusalOf(world.at, answer)).toEqual(refusedAs('api_key_quota_exhausted'));
  const fast = await addKey({ rate: { limit: 1, seconds: 60 } });
  await exchange(fast.text);
  expect(await refusalOf(world.at, await send(fast.text))).toEqual(refusedAs('api_key_rate_limited'));
  await world.at.server.usage.flush();
  expect((await world.at.server.store.read.lastUse(row.id)) ?? 0).toBe(clock.now());
});

test('APK-03: a key is exchanged from its networks only', async () => {
  const { text } = await addKey({ networks: ['192.0.2.0/24'] });
  expect(await refusalOf(world.at, await send(text))).toEqual(refusedAs('subject_token_network_refused'));
  expect((await send(text, {}, {}, '192.0.2.7')).status).toBe(200);
});

test('APK-05 RFC 8693 §2.2.2: what is refused is refused for one cause, and nothing has changed', async () => {
  const { row, text } = await addKey();
  const ended = await addKey();
  await write({ kind: 'api_key.end', id: ended.row.id, ended: { at: clock.now(), reason: 'leaked', by: 'server' } });
  const resources = [world.api.row.identifier];
  const client = await addClient(world.at.server, { resources, grantTypes: ['client_credentials'] });
  const foreign = await addClient(world.at.server, { resources: [], grantTypes: [GRANT] });
  const expired = await addKey({ expiresAt: later(clock.now(), -1) });
  const unknown = encodeApiKey(`key_${'0'.repeat(26)}` as typeof row.id, 'live', new Uint8Array(32));
  const { access_token: other } = (await exchange(text)).body;
  const test_ = await addKey({ environment: 'test' });
  const by = (authorization: string) => ({ authorization });
  const type = (name: string) => `urn:ietf:params:oauth:token-type:${name}`;
  const cases: readonly (readonly [ErrorId, string, Fields?, Fields?])[] = [
    ['parameter_missing', ''],
    ['subject_token_malformed', `${text.slice(0, -1)}_`],
    ['subject_token_malformed', ' '],
    ['subject_token_malformed', 'lk_live_'],
    ['subject_token_malformed', 'x'.repeat(10_000)],
    ['subject_token_malformed', other],
    ['subject_token_wrong', unknown],
    ['subject_token_wrong', encodeApiKey(row.id, 'live', new Uint8Array(32))],
    ['subject_token_over', ended.text],
    ['subject_token_over', expired.text],
    ['subject_token_environment_refused', test_.text],
    ['subject_token_type_unsupported', other, { subject_token_type: type('access_token') }],
    ['subject_token_type_unsupported', other, { subject_token_type: type('jwt') }],
    ['requested_token_type_unsupported', text, { requested_token_type: type('refresh_token') }],
    ['actor_token_unsupported', text, { actor_token: other, actor_token_type: type('access_token') }],
    ['resource_unknown', text, { resource: world.at.issuer }],
    ['resource_unknown', text, { audience: 'https://other.example' }],
    ['resource_malformed', text, { resource: 'api' }],
    ['scope_not_allowed', text, { scope: 'read admin' }],
    ['scope_malformed', text, { scope: 'read  write' }],
    ['grant_type_not_allowed', text, {}, by(client.basic)],
    ['grant_type_not_allowed', text, { client_id: world.clientId }],
    ['resource_unknown', text, {}, by(foreign.basic)],
    ['client_secret_wrong', text, {}, by(`Basic ${Buffer.from(`${foreign.row.id}:x`).toString('base64')}`)],
    ['client_authentication_missing', text, {}, by(`Bearer ${text}`)],
    ['client_authentication_missing', text, { grant_type: 'client_credentials' }],
  ];
  const before = rowsOf(world.at);
  for (const [error, token, more, headers] of cases)
    expect([error, await refusalOf(world.at, await send(token, more, headers))]).toEqual([error, refusedAs(error)]);
  expect(rowsOf(world.at)).toEqual(before);
});

test('APK-04: a key in the query is not looked at', async () => {
  const { text } = await addKey();
  const type = 'urn:latchkey:params:oauth:token-type:api_key';
  const query = new URLSearchParams({ subject_token: text }).toString();
  const fields = { grant_type: GRANT, subject_token_type: type };
  const answer = await world.at.fetch(`/oauth/token?${query}`, form(fields));
  expect(await refusalOf(world.at, answer)).toEqual(refusedAs('parameter_missing'));
});

test('APK-04: whoever guesses keys has to wait', async () => {
  const { row, text } = await addKey();
  const wrong = encodeApiKey(row.id, 'live', new Uint8Array(32));
  for (let guess = 0; guess < 60; guess++)
    expect(await refusalOf(world.at, await send(wrong))).toEqual(refusedAs('subject_token_wrong'));
  const answer = await send(wrong);
  expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
  expect(await refusalOf(world.at, answer)).toEqual(refusedAs('rate_limited'));
  expect((await send(text)).status).toBe(200);
});

test('a key that changes between its proof and the decision is not exchanged', async () => {
  const { row, text } = await addKey();
  const { read } = world.at.server.store;
  let reads = 0;
  const moved = {
    ...read,
    apiKey: async (id: typeof row.id) => {
      const found = await read.apiKey(id);
      return found === undefined ? undefined : { ...found, version: found.version + reads++ };
    },
  };
  const server = { ...world.at.server, store: { ...world.at.server.store, read: moved } };
  const request = {
    grantType: GRANT,
    subjectToken: text,
    scope: undefined,
    resources: [],
    audience: undefined,
  } as const;
  const call = { address: '198.51.100.1' } as never;
  expect(await exchangeApiKey(undefined, request, call, server)).toEqual({
    ok: false,
    error: { error: 'subject_token_changed', about: { api_key: row.id } },
  });
});
