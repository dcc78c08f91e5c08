import type { ApiKey } from '@latchkey/domain/api-keys/api-key';
import { allow } from '@latchkey/domain/decision';
import type { UsageCount } from '@latchkey/protocol/api-key-terms';
import { LIMITS } from '@latchkey/protocol/limits';
import type { EpochSeconds } from '@latchkey/protocol/types';
import { testClock } from '@latchkey/testkit/clock';
import * as row from '@latchkey/testkit/conformance/rows';
import { populate } from '@latchkey/testkit/people';
import { addResource, jsonBody, startTestServer } from '@latchkey/testkit/test-server';
import { afterAll, expect, test } from 'vitest';
import { refusalOf, refusedAs, rowsOf } from '../refusal.ts';

const clock = testClock(Date.UTC(2026, 0, 2, 3, 0, 0));
const world = await populate(await startTestServer({ now: clock.now, monotonic: clock.now }));
const other = await addResource(world.at.server, { identifier: 'https://other.example' as never });
afterAll(() => world.at.close());

const RATE = { limit: 10, seconds: 60 };
const keyOf = (number: number, more: Partial<ApiKey> = {}) =>
  row.apiKey(number, { resource: world.api.row.identifier, quota: { uses: 100, period: 'day' }, rate: RATE, ...more });
const [KEY, FOREIGN] = [keyOf(1), keyOf(2, { resource: other.row.identifier })];
await world.at.server.commit(
  () => Promise.resolve(),
  () =>
    allow(
      undefined,
      [KEY, FOREIGN].map((key) => ({ kind: 'api_key.create', key }) as const),
    ),
);

const hour = (clock.now() / 1000) as EpochSeconds;
const counts = (...keys: readonly ApiKey[]): readonly UsageCount[] =>
  keys.map(({ id }) => ({ api_key: id, hour, allowed: 7, refused: 1 }));
const send = (body: object, basic = world.api.basic) =>
  world.at.fetch('/reports', jsonBody({ refusals: [], ...body }, { authorization: basic }));
const told = async (body: object, basic?: string) => {
  const answer = await send(body, basic);
  return { status: answer.status, body: answer.status === 200 ? await answer.json() : undefined };
};
const spent = () => world.at.server.store.read.quotaSpent(KEY.id, row.day(0).startsAt);
const used = async (key: ApiKey) => {
  const rows = await world.at.server.store.read.keyUsage(key.id, hour, (hour + 1) as EpochSeconds);
  return rows.map(({ allowed, refused }) => [allowed, refused]);
};

test('a report without a name and a number is taken as it always was', async () => {
  expect(await told({})).toEqual({ status: 204, body: undefined });
  expect(await told({ instance: 'v1' })).toEqual({ status: 204, body: undefined });
  expect(await used(KEY)).toEqual([]);
});

test('a verifier is lent uses, gives back what it did not use, and the same report again counts once', async () => {
  const lease = { api_key: KEY.id, limit: 100, reset: row.day(1).startsAt, until: hour + 60 };
  const first = { instance: 'v1', number: 1, renew: [KEY.id], active: [KEY.id] };
  const answer = await told(first);
  expect(answer).toEqual({
    status: 200,
    body: {
      leases: [{ ...lease, id: expect.any(String), uses: 5, remaining: 95 }],
      rates: [{ api_key: KEY.id, verifiers: 1 }],
    },
  });
  expect(await told(first)).toEqual(answer);
  expect(await spent()).toBe(5);

  const second = { instance: 'v1', number: 2, closed: [{ id: answer.body.leases[0].id, used: 2 }], usage: counts(KEY) };
  expect([await told(second), await told(second)].map(({ body }) => body)).toEqual([
    { leases: [], rates: [] },
    { leases: [], rates: [] },
  ]);
  expect([await spent(), await used(KEY)]).toEqual([2, [[7, 1]]]);
  expect((await told(first)).body).toEqual({ leases: [], rates: [] });
  expect(await spent()).toBe(2);
});

test('a rate is shared among the verifiers that told of it lately', async () => {
  const share = async (instance: string, number: number) =>
    (await told({ instance, number, active: [KEY.id, KEY.id, FOREIGN.id, 'nonsense'] })).body.rates;
  expect(await share('r1', 1)).toEqual([{ api_key: KEY.id, verifiers: 2 }]);
  expect(await share('r2', 1)).toEqual([{ api_key: KEY.id, verifiers: 3 }]);
  clock.advance(20_000);
  expect(await share('r1', 2)).toEqual([{ api_key: KEY.id, verifiers: 1 }]);
});

test('a verifier speaks for its own resource only: what is of others counts nothing, and stands in the log', async () => {
  const lent = await told({ instance: 'o1', number: 1, renew: [FOREIGN.id] }, other.basic);
  const [lease] = lent.body.leases;
  const before = rowsOf(world.at);
  const report = { usage: counts(FOREIGN), renew: [FOREIGN.id], closed: [{ id: lease.id, used: 0 }] };
  expect((await told({ instance: 'v2', number: 1, ...report })).body).toEqual({ leases: [], rates: [] });
  const { verifier_instances: _, ...after } = rowsOf(world.at);
  expect(before).toMatchObject(after);
  expect(await used(FOREIGN)).toEqual([]);
  expect(world.at.logged.some((line) => line.includes('"verifier":"v2"') && line.includes('"count":3'))).toBe(true);
});

test('verifier_instance_taken: the name of a verifier of one resource is no name for that of another', async () => {
  await told({ instance: 'mine', number: 1 });
  const before = rowsOf(world.at);
  const answer = await send({ instance: 'mine', number: 2, usage: counts(FOREIGN) }, other.basic);
  expect(await refusalOf(world.at, answer)).toEqual(refusedAs('verifier_instance_taken'));
  expect(rowsOf(world.at)).toEqual(before);
});

test('a verifier of a later release refuses for reasons that are not known here: its report counts all the same', async () => {
  const refusals = [
    { id: 'v5-1', error: 'token_of_tomorrow', at: 1, where: 'x', about: {} },
    { id: 'v5-2', error: 'toString', at: 1, where: 'x', about: {} },
    { id: 'v5-3', error: 'token_expired', at: 1, where: 'x', about: {} },
  ];
  const answer = await told({ refusals, instance: 'v5', number: 1, renew: [KEY.id] });
  expect([answer.status, answer.body.leases.length]).toEqual([200, 1]);
  const found = refusals.map(({ id }) => world.at.server.refusals.find(id)?.error);
  expect(found).toEqual([undefined, undefined, 'token_expired']);
});

test('keysPerReportMax, verifierNameMax: so many keys of each kind and so long a name, and no more', async () => {
  const many = (size: number) => Array.from({ length: size }, () => KEY.id);
  const [max, over] = [many(LIMITS.keysPerReportMax), many(LIMITS.keysPerReportMax + 1)];
  const name = 'x'.repeat(LIMITS.verifierNameMax);
  expect((await told({ instance: name, number: 1, renew: max, active: max })).status).toBe(200);
  const bad = [
    { instance: `${name}x`, number: 1 },
    { instance: 'a b', number: 1 },
    { instance: 'v9', number: 0 },
    { instance: 'v9', number: 1, usage: [{ ...counts(KEY)[0], allowed: -1 }] },
    { instance: 'v9', number: 1, usage: [{ ...counts(KEY)[0], allowed: 0.5 }] },
    { instance: 'v9', number: 1, closed: [{ id: 'x', used: '1' }] },
    { instance: 'v9', number: 1, renew: over },
    { instance: 'v9', number: 1, active: over },
    { instance: 'v9', number: 1, closed: over.map((id) => ({ id, used: 0 })) },
  ];
  const before = rowsOf(world.at);
  for (const body of bad) expect(await refusalOf(world.at, await send(body))).toEqual(refusedAs('field_invalid'));
  expect(rowsOf(world.at)).toEqual(before);
});
