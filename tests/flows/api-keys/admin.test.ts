import { ADMIN_SCOPES } from '@latchkey/domain/administration/scopes';
import { DURATIONS } from '@latchkey/protocol/limits';
import { testClock } from '@latchkey/testkit/clock';
import { populate, type World } from '@latchkey/testkit/people';
import { addClient, form, startTestServer } from '@latchkey/testkit/test-server';
import { API_KEY_PATTERN } from '@latchkey/tokens/formats/api-key';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { addAdministrator, type TestAdministrator } from '../admin/administrator.ts';

const clock = testClock();
let world: World;
let admin: TestAdministrator;
let wanted: { readonly owner: string; readonly name: string; readonly resource: string };
beforeAll(async () => {
  world = await populate(await startTestServer({ now: clock.now }));
  admin = await addAdministrator(world.at);
  wanted = { owner: world.accountId, name: 'Import', resource: world.api.row.identifier };
});
afterAll(() => world.at.close());

const isActive = async (token: string): Promise<unknown> => {
  const answer = await world.at.fetch('/oauth/introspect', form({ token }, { authorization: world.api.basic }));
  return (await answer.json()).active;
};
const typeOf = ({ body }: { readonly body: { readonly type?: string } }) => body.type?.replace(/^.*#/, '');

test('APK-01, APK-02: a key is told once, when it is made, and in no list and no view', async () => {
  const made = await admin.post('/api-keys', { ...wanted, scopes: ['read'], metadata: { team: 'billing' } });
  const { secret, ...view } = made.body;
  expect([made.status, made.headers.get('cache-control')]).toEqual([201, 'no-store']);
  expect(secret).toMatch(new RegExp(`^${API_KEY_PATTERN}$`));
  const ends = new Date(clock.now() + DURATIONS.apiKeyDefault * 1000).toISOString();
  expect(view).toMatchObject({ ...wanted, environment: 'live', scopes: ['read'], networks: [], expires_at: ends });
  expect((await admin.get(`/api-keys/${view.id}`)).body).toEqual(view);
  for (const by of [`owner=${wanted.owner}`, `resource=${encodeURIComponent(wanted.resource)}`])
    expect((await admin.get(`/api-keys?${by}`)).body.items).toContainEqual(view);
  expect(await isActive(secret)).toBe(true);
  await world.at.server.usage.flush();
  const used = { ...view, last_used_at: new Date(clock.now()).toISOString() };
  expect((await admin.get(`/api-keys/${view.id}`)).body).toEqual(used);
  expect((await admin.get(`/api-keys?owner=${wanted.owner}`)).body.items).toContainEqual(used);
});

test('APK-03: it is changed, rotated with an overlap, and revoked for good', async () => {
  const { body: key } = await admin.post('/api-keys', {
    ...wanted,
    quota: { uses: 10, period: 'day' },
    tenant: 'north',
  });
  const path = `/api-keys/${key.id}`;
  const changes = { name: 'Export', scopes: ['write'], networks: ['192.0.2.0/24'], rate: { limit: 5, seconds: 60 } };
  const changed = await admin.patch(path, {
    ...changes,
    quota: null,
    tenant: null,
    metadata: { a: 'b' },
    expires_in: 60,
  });
  expect(changed.body).toMatchObject({ ...changes, metadata: { a: 'b' } });
  expect([changed.body.quota, changed.body.tenant]).toEqual([undefined, undefined]);
  expect(changed.body.expires_at).toBe(new Date(clock.now() + 60_000).toISOString());

  const next = await admin.post(`${path}/rotate`, { overlap_seconds: 10 });
  expect([next.status, next.body.previous_secret_ends_at]).toEqual([201, new Date(clock.now() + 10_000).toISOString()]);
  expect([await isActive(key.secret), await isActive(next.body.secret)]).toEqual([true, true]);
  clock.advance(10_000);
  expect([await isActive(key.secret), await isActive(next.body.secret)]).toEqual([false, true]);

  expect((await admin.delete(path)).status).toBe(204);
  expect(await isActive(next.body.secret)).toBe(false);
  expect((await admin.get(path)).body).toMatchObject({ end_reason: 'ended_by_administrator' });
  expect(typeOf(await admin.patch(path, { name: 'again' }))).toBe('api_key_over');
  const { items } = (await admin.get('/audit?limit=4')).body;
  expect(items.map(({ event }: { event: string }) => event)).toEqual([
    'api_key.ended',
    'api_key.rotated',
    'api_key.updated',
    'api_key.created',
  ]);
});

test('a key can get another owner, a client too', async () => {
  const client = await addClient(world.at.server);
  const { body: key } = await admin.post('/api-keys', wanted);
  expect((await admin.patch(`/api-keys/${key.id}`, { owner: client.row.id })).body.owner).toBe(client.row.id);
  expect(typeOf(await admin.patch(`/api-keys/${key.id}`, { owner: 'nobody' }))).toBe('api_key_owner_unknown');
});

test('what cannot be is refused, and nothing is made', async () => {
  const before = (await admin.get(`/api-keys?owner=${wanted.owner}`)).body;
  const cases = {
    api_key_owner_unknown: { ...wanted, owner: 'acc_x' },
    resource_unknown: { ...wanted, resource: 'https://none.example' },
    built_in: { ...wanted, resource: `${world.at.issuer}/admin/api` },
    api_key_scope_unknown: { ...wanted, scopes: ['admin'] },
    api_key_network_invalid: { ...wanted, networks: ['192.0.2.1/8'] },
    api_key_terms_invalid: { ...wanted, name: ' ' },
    field_invalid: { ...wanted, expires_in: DURATIONS.apiKeyMax + 1 },
  };
  for (const [error, body] of Object.entries(cases))
    expect([error, typeOf(await admin.post('/api-keys', body))]).toEqual([error, error]);
  for (const more of [
    { secret_hash: 'x' },
    { id: 'key_x' },
    { metadata: { 'constructor.prototype': 'x'.repeat(201) } },
  ])
    expect(typeOf(await admin.post('/api-keys', { ...wanted, ...more }))).toBe('field_invalid');
  expect((await admin.get(`/api-keys?owner=${wanted.owner}`)).body).toEqual(before);
  for (const query of ['', '?owner=a&resource=b', '?owner=acc_x&after=x'])
    expect(typeOf(await admin.get(`/api-keys${query}`))).toBe('field_invalid');
  expect((await admin.get('/api-keys?owner=acc_x')).body).toEqual({ items: [] });
  for (const id of ['x', `key_${'0'.repeat(26)}`]) {
    const answers = [await admin.get(`/api-keys/${id}`), await admin.patch(`/api-keys/${id}`, {})];
    const others = [await admin.post(`/api-keys/${id}/rotate`), await admin.delete(`/api-keys/${id}`)];
    expect([...answers, ...others].map(({ status }) => status)).toEqual([404, 404, 404, 404]);
  }
});

test('who may only read keys makes none', async () => {
  const reader = await addAdministrator(world.at, ['api_keys:read']);
  expect((await reader.get(`/api-keys?owner=${wanted.owner}`)).status).toBe(200);
  expect((await reader.post('/api-keys', wanted)).status).toBe(403);
  const others = await addAdministrator(
    world.at,
    ADMIN_SCOPES.filter((scope) => !scope.startsWith('api_keys')),
  );
  expect((await others.get(`/api-keys?owner=${wanted.owner}`)).status).toBe(403);
});
