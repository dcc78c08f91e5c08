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
  path = `/accounts/${world.accountId}/metadata`;
});
afterAll(() => world.at.close());

test('what is kept about an account is put as a whole, and whoever saw an older version is told', async () => {
  expect((await admin.get(path)).body).toEqual({ version: 0, values: {} });
  const values = { plan: 'gold', seats: 12, beta: true, regions: ['north'] };
  const first = await admin.put(path, { version: 0, tenant: 'acme', values });
  expect([first.status, first.body]).toEqual([200, { version: 1, tenant: 'acme', values }]);
  const late = await admin.put(path, { version: 0, values: {} });
  expect([late.status, late.body.type]).toEqual([409, expect.stringMatching(/#changed_meanwhile$/)]);
  expect((await admin.get(path)).body).toEqual(first.body);
  expect((await admin.put(path, { values: { plan: 'free' } })).body).toEqual({ version: 2, values: { plan: 'free' } });
  const { items } = (await admin.get('/audit?limit=1')).body;
  expect(items).toMatchObject([
    { event: 'account.metadata_changed', actor: admin.clientId, detail: { fields: 'tenant beta plan regions seats' } },
  ]);
});

test.each([
  ['an object', { values: { a: {} } }, 'values.a'],
  ['a tenant with a blank', { tenant: 'a b', values: {} }, 'tenant: must be letters'],
  ['a name with a blank', { values: { 'a b': 1 } }, 'values: must be named by'],
  [
    'too much',
    { values: Object.fromEntries([1, 2, 3, 4, 5].map((n) => [`a${n}`, 'x'.repeat(1000)])) },
    'bytes of JSON',
  ],
])('%s is refused, and changes nothing', async (_, body, detail) => {
  const before = (await admin.get(path)).body;
  const answer = await admin.put(path, body);
  expect([answer.status, answer.body.error]).toEqual([422, 'invalid_request']);
  expect(answer.body.detail).toContain(detail);
  expect((await admin.get(path)).body).toEqual(before);
});

test('it is read and written with the scopes of accounts, and of nobody there is nothing', async () => {
  const reader = await addAdministrator(world.at, ['accounts:read']);
  expect((await reader.get(path)).status).toBe(200);
  expect((await reader.put(path, { values: {} })).status).toBe(403);
  expect((await (await addAdministrator(world.at, ['clients:read'])).get(path)).status).toBe(403);
  const nobody = '/accounts/acc_00000000000000000000000000/metadata';
  expect([(await admin.get(nobody)).status, (await admin.put(nobody, { values: {} })).status]).toEqual([404, 404]);
  expect((await admin.put('/accounts/x/metadata', { values: {} })).status).toBe(404);
});
