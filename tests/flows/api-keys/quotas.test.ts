import type { ApiKey } from '@latchkey/domain/api-keys/api-key';
import { addApiKey } from '@latchkey/testkit/api-keys';
import { testClock } from '@latchkey/testkit/clock';
import * as row from '@latchkey/testkit/conformance/rows';
import { populate } from '@latchkey/testkit/people';
import { form, jsonBody, startTestServer } from '@latchkey/testkit/test-server';
import { afterAll, expect, test } from 'vitest';

const clock = testClock(Date.UTC(2026, 0, 2, 3, 0, 0));
const world = await populate(await startTestServer({ now: clock.now, monotonic: clock.now }));
const { server } = world.at;
afterAll(() => world.at.close());

const add = (more: Partial<ApiKey>) =>
  addApiKey(world.at, { owner: world.accountId, resource: world.api.row.identifier, ...more });
const quota = (uses: number) => ({ quota: { uses, period: 'day' } }) as const;
const ask = async (token: string, more: Readonly<Record<string, string>> = {}) => {
  const answer = await world.at.fetch(
    '/oauth/introspect',
    form({ token, ...more }, { authorization: world.api.basic }),
  );
  return answer.json();
};
const today = row.day(0).startsAt;
const spent = ({ row: { id } }: { readonly row: ApiKey }) => server.store.read.quotaSpent(id, today);
const usage = async ({ row: { id } }: { readonly row: ApiKey }) => {
  await server.usage.flush();
  const rows = await server.store.read.keyUsage(id, today, row.day(1).startsAt);
  return rows.map(({ allowed, refused, usedAt }) => ({ allowed, refused, usedAt }));
};

test('whoever is no verifier uses a key with each question, and one that is used up is not active', async () => {
  const key = await add(quota(2));
  const answers = [await ask(key.text), await ask(key.text), await ask(key.text)];
  expect(answers.map(({ active, terms }) => [active, terms])).toEqual([
    [true, { environment: 'live' }],
    [true, { environment: 'live' }],
    [false, undefined],
  ]);
  expect(answers[2]).toEqual({ active: false });
  expect([await spent(key), await usage(key)]).toEqual([2, [{ allowed: 2, refused: 1, usedAt: clock.now() }]]);
  expect((await ask(key.text, { instance: 'not a name' })).active).toBe(false);
});

test('of many questions at once no more are answered yes than there are uses', async () => {
  const key = await add(quota(5));
  const answers = await Promise.all(Array.from({ length: 12 }, () => ask(key.text)));
  expect(answers.filter(({ active }) => active).length).toBe(5);
  expect(await spent(key)).toBe(5);
});

test('a verifier is lent uses as it looks a key up, and told when nothing is left', async () => {
  const key = await add(quota(40));
  const { active, terms } = await ask(key.text, { instance: 'v1' });
  const reset = row.day(1).startsAt;
  const until = clock.now() / 1000 + 60;
  const id = expect.any(String);
  const lease = { id, api_key: key.row.id, uses: 2, until, limit: 40, remaining: 38, reset };
  expect([active, terms]).toEqual([true, { environment: 'live', lease }]);
  expect(await usage(key)).toEqual([]);
  const closed = [{ id: terms.lease.id, used: 1 }];
  await world.at.fetch(
    '/reports',
    jsonBody({ refusals: [], instance: 'v1', number: 1, closed }, { authorization: world.api.basic }),
  );
  expect(await spent(key)).toBe(1);

  const empty = await add(quota(1));
  expect((await ask(empty.text)).active).toBe(true);
  const told = await ask(empty.text, { instance: 'v1' });
  expect([told.active, told.terms.lease]).toEqual([
    true,
    { id, api_key: empty.row.id, uses: 0, until: until - 30, limit: 1, remaining: 0, reset },
  ]);
});

test('a verifier that asks about each use is told of each whether it may be', async () => {
  const key = await add({ ...quota(1), rate: { limit: 1, seconds: 3_600 } });
  const strict = () => ask(key.text, { instance: 'v1', strict: 'true' });
  const [first, second] = [await strict(), await strict()];
  const terms = { environment: 'live', rate: { limit: 1, seconds: 3_600, verifiers: 1 } };
  const lease = { id: 'one use', api_key: key.row.id, limit: 1, remaining: 0, reset: row.day(1).startsAt };
  const until = clock.now() / 1000;
  expect([first.terms, second.terms]).toEqual([
    { ...terms, lease: { ...lease, uses: 1, until } },
    { ...terms, lease: { ...lease, uses: 0, until } },
  ]);
  expect([await spent(key), await usage(key)]).toEqual([1, [{ allowed: 1, refused: 1, usedAt: clock.now() }]]);
  const free = await add({});
  expect((await ask(free.text, { instance: 'v1', strict: 'true' })).terms).toEqual({ environment: 'live' });
});

test('a rate is kept for whoever is no verifier, and what comes too fast costs nothing of the quota', async () => {
  const key = await add({ ...quota(10), rate: { limit: 2, seconds: 60 } });
  const answers = [await ask(key.text), await ask(key.text), await ask(key.text)];
  expect(answers.map(({ active }) => active)).toEqual([true, true, false]);
  expect(await spent(key)).toBe(2);
  clock.advance(30_000);
  expect((await ask(key.text)).active).toBe(true);
});

test('a quota begins anew with its period', async () => {
  const key = await add({ quota: { uses: 1, period: 'hour' } });
  expect([(await ask(key.text)).active, (await ask(key.text)).active]).toEqual([true, false]);
  clock.advance(3_600_000);
  expect((await ask(key.text)).active).toBe(true);
});

test('I7: uses leave rows by the hour and not by the use', async () => {
  const key = await add(quota(1_000));
  for (let use = 0; use < 50; use++) await ask(key.text);
  await server.usage.flush();
  const rows = await server.store.read.keyUsage(key.row.id, today, row.day(1).startsAt);
  expect(rows.map(({ allowed }) => allowed)).toEqual([50]);
});
