import type { ApiKey } from '@latchkey/domain/api-keys/api-key';
import { addApiKey } from '@latchkey/testkit/api-keys';
import { populate, read, type World } from '@latchkey/testkit/people';
import { addClient, addResource, form, startTestServer } from '@latchkey/testkit/test-server';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ask, type Got } from '../verifier/frameworks.ts';

let world: World;
let port: number;
beforeAll(async () => {
  world = await populate(await startTestServer({ settings: { trustedProxies: '127.0.0.1, 10.0.0.2' } }));
  await world.at.listen();
  port = world.at.server.settings.port;
});
afterAll(() => world.at.close());

const bearer = (text: string) => ['authorization', `Bearer ${text}`];
const verify = (headers: readonly string[], question = '', resource = world.api.row.id): Promise<Got> =>
  ask(port, {
    path: `/verify/${resource}${question}`,
    headers: ['x-original-method', 'GET', 'x-original-uri', '/things', ...headers],
  });
const addKey = (more: Partial<ApiKey> = {}) =>
  addApiKey(world.at, { owner: world.accountId, resource: world.api.row.identifier, scope: ['read'], ...more });
const quota = (uses: number): Partial<ApiKey> => ({ quota: { uses, period: 'day' } });
async function errorOf(got: Got): Promise<unknown> {
  const { error_id } = JSON.parse(got.body);
  const line = world.at.logged.find((one) => one.includes(`"error_id":"${error_id}"`));
  return line === undefined ? undefined : JSON.parse(line).error;
}

describe('API keys at /verify', () => {
  test('a request with a key is one use of it, and the use after the last is refused with its limits', async () => {
    const { text } = await addKey(quota(2));
    expect([(await verify(bearer(text))).status, (await verify(bearer(text))).status]).toEqual([200, 200]);
    const got = await verify(bearer(text));
    expect([got.status, await errorOf(got)]).toEqual([429, 'api_key_quota_exhausted']);
    expect(got.headers).toMatchObject({
      'ratelimit-policy': '"quota";q=2',
      ratelimit: expect.stringMatching(/^"quota";r=0;t=[1-9]\d*$/),
      'retry-after': expect.stringMatching(/^[1-9]\d*$/),
      'cache-control': 'no-store',
    });
    expect(got.headers['www-authenticate']).toBeUndefined();
  });

  test('api_key_rate_limited: 429 says when there is a use again, and the quota is not touched', async () => {
    const { text } = await addKey({ ...quota(2), rate: { limit: 1, seconds: 3_600 } });
    expect((await verify(bearer(text))).status).toBe(200);
    const got = await verify(bearer(text));
    expect([got.status, await errorOf(got)]).toEqual([429, 'api_key_rate_limited']);
    expect(got.headers).toMatchObject({
      'ratelimit-policy': '"rate";q=1;w=3600',
      ratelimit: expect.stringMatching(/^"rate";r=0;t=3[56]\d\d$/),
      'retry-after': expect.stringMatching(/^3[56]\d\d$/),
    });
  });

  test('what is refused for another reason is no use: another network, a scope, a role, a permission, an old login', async () => {
    const { text } = await addKey({ ...quota(1), networks: ['192.0.2.0/24'] });
    const inside = [...bearer(text), 'x-forwarded-for', '192.0.2.9'];
    for (const [headers, question, error] of [
      [bearer(text), '', 'api_key_network_refused'],
      [[...bearer(text), 'x-forwarded-for', '198.51.100.9'], '', 'api_key_network_refused'],
      [inside, '?scope=admin', 'scope_insufficient'],
      [inside, '?role=clerk', 'role_insufficient'],
      [inside, '?permission=orders:write', 'permission_insufficient'],
      [inside, '?max_age=60', 'authentication_too_old'],
    ] as const)
      expect(await errorOf(await verify(headers, question))).toBe(error);
    expect([(await verify(inside)).status, (await verify(inside)).status]).toEqual([200, 429]);
  });

  test.each([
    ['the client of the proxy that asks', '192.0.2.9', 200],
    ['what a client has written itself stands before it', '192.0.2.9, 198.51.100.9', 401],
    ['a named proxy before the one that asks', '192.0.2.9, 10.0.0.2', 200],
    ['a proxy before it that is not named', '192.0.2.9, 10.0.0.3', 401],
    ['nonsense', 'unknown', 401],
    ['nothing', '', 401],
  ])('networks hold for where the proxy says that the request came from: %s', async (_, forwardedFor, status) => {
    const { text } = await addKey({ networks: ['192.0.2.0/24'] });
    expect((await verify([...bearer(text), 'x-forwarded-for', forwardedFor])).status).toBe(status);
  });

  test('a proxy that does not say from where a request came is not taken for its client', async () => {
    const { text } = await addKey({ networks: ['127.0.0.0/8'] });
    expect((await verify(bearer(text))).status).toBe(401);
    expect((await verify([...bearer(text), 'x-forwarded-for', '127.0.0.1'])).status).toBe(200);
  });

  test('keys for tests count where the operator says so', async () => {
    const { text } = await addKey({ environment: 'test' });
    const got = await verify(bearer(text));
    expect([got.status, await errorOf(got)]).toEqual([401, 'api_key_not_accepted']);
    expect((await verify(bearer(text), '?api_keys=test')).status).toBe(200);
  });

  test('a key of another resource', async () => {
    const { text } = await addKey();
    const { row } = await addResource(world.at.server);
    expect(await errorOf(await verify(bearer(text), '', row.id))).toBe('api_key_of_other_resource');
  });

  test('refusals that can be told apart in the log say which key it was', async () => {
    const { row, text } = await addKey(quota(0));
    const { error_id } = JSON.parse((await verify(bearer(text))).body);
    expect(world.at.logged.find((line) => line.includes(error_id))).toContain(row.id);
  });
});

test('opaque tokens at /verify: good, of another resource, revoked', async () => {
  const { server } = world.at;
  const api = await addResource(server, { format: 'opaque' });
  const machine = await addClient(server, { resources: [api.row.identifier] });
  const authorization = machine.basic;
  const asked = form({ grant_type: 'client_credentials', scope: 'read' }, { authorization });
  const token = String((await read(await world.at.fetch('/oauth/token', asked))).body.access_token);
  expect(token).toMatch(/^lk_at_/);
  const statusFor = async (question: string) => (await verify(bearer(token), question, api.row.id)).status;
  expect(await statusFor('?scope=read&headers=identity')).toBe(200);
  expect(await statusFor('?scope=write')).toBe(403);
  expect(await statusFor('?permission=orders:read')).toBe(403);
  expect(await errorOf(await verify(bearer(token)))).toBe('token_audience_wrong');
  expect(await errorOf(await verify(bearer(`${token.slice(0, -4)}AAAA`), '', api.row.id))).toMatch(/^opaque_token_/);
  await world.at.fetch('/oauth/revoke', form({ token }, { authorization }));
  expect(await errorOf(await verify(bearer(token), '', api.row.id))).toBe('opaque_token_unknown');
});
