import { populate, type World } from '@latchkey/testkit/people';
import { startTestServer } from '@latchkey/testkit/test-server';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { addAdministrator, type TestAdministrator } from './administrator.ts';

let world: World;
let admin: TestAdministrator;
let path: string;
beforeAll(async () => {
  world = await populate(await startTestServer());
  admin = await addAdministrator(world.at);
  path = `/accounts/${world.accountId}/profile`;
});
afterAll(() => world.at.close());

const CLAIMS = { name: 'Alice', phone_number: '+4712345678', phone_number_verified: true, address: { country: 'NO' } };

test('a profile is put as a whole, and what is not sent again is gone', async () => {
  expect((await admin.get(path)).body).toEqual({ claims: {} });
  const first = await admin.put(path, { claims: CLAIMS });
  expect([first.status, first.body]).toEqual([200, { claims: CLAIMS, updated_at: expect.any(String) }]);
  expect((await admin.get(path)).body).toEqual(first.body);
  const second = await admin.put(path, { claims: { name: 'Alice', nickname: '' } });
  expect(second.body).toEqual({ claims: { name: 'Alice' }, updated_at: expect.any(String) });
  expect((await admin.get(path)).body).toEqual(second.body);
});

test('the audit log says which claims changed, and of none what it is; no change is no event', async () => {
  await admin.put(path, { claims: { name: 'Alice' } });
  await admin.put(path, { claims: { name: 'Alice Liddell', birthdate: '1852-05-04' } });
  await admin.put(path, { claims: { birthdate: '1852-05-04', name: 'Alice Liddell' } });
  const { items } = (await admin.get('/audit?limit=2')).body;
  expect(items).toMatchObject([
    { event: 'profile.changed', actor: admin.clientId, detail: { fields: 'birthdate name' } },
    { event: 'profile.changed' },
  ]);
  expect(JSON.stringify((await admin.get('/audit?limit=200')).body)).not.toMatch(/Liddell|1852/);
});

test.each([
  ['a claim that has not its form', { birthdate: 'in May' }, 'claims.birthdate: must be a day as YYYY-MM-DD'],
  [
    'a part of an address that is too long',
    { address: { country: 'x'.repeat(201) } },
    'claims.address.country: must be',
  ],
  ['a number of no number that is verified', { phone_number_verified: true }, 'claims.phone_number_verified: must be'],
  ['a claim of another type', { name: 7 }, 'claims.name:'],
  ['a claim that nobody knows', { shoe_size: '38' }, 'a field that is not known'],
  ['a claim that is no part of the profile', { sub: 'acc_1' }, 'a field that is not known'],
])('%s is refused, and changes nothing', async (_, claims, detail) => {
  const before = (await admin.get(path)).body;
  const answer = await admin.put(path, { claims });
  expect([answer.status, answer.body.error]).toEqual([422, 'invalid_request']);
  expect(answer.body.detail).toContain(detail);
  expect((await admin.get(path)).body).toEqual(before);
});

test('what is known of a person is read and written with the scopes of accounts, and of nobody there is nothing', async () => {
  const reader = await addAdministrator(world.at, ['accounts:read']);
  expect((await reader.get(path)).status).toBe(200);
  expect((await reader.put(path, { claims: {} })).status).toBe(403);
  const other = await addAdministrator(world.at, ['clients:read']);
  expect((await other.get(path)).status).toBe(403);
  for (const id of ['acc_00000000000000000000000000', 'nobody']) {
    expect((await admin.get(`/accounts/${id}/profile`)).status).toBe(404);
    expect((await admin.put(`/accounts/${id}/profile`, { claims: {} })).status).toBe(404);
  }
});
