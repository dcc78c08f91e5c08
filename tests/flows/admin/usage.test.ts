import { allow } from '@latchkey/domain/decision';
import type { EpochMilliseconds, EpochSeconds } from '@latchkey/protocol/types';
import { testClock } from '@latchkey/testkit/clock';
import * as row from '@latchkey/testkit/conformance/rows';
import { populate } from '@latchkey/testkit/people';
import { startTestServer } from '@latchkey/testkit/test-server';
import { afterAll, expect, test } from 'vitest';
import { addAdministrator } from './administrator.ts';

const clock = testClock(Date.UTC(2026, 0, 2, 3, 30, 0));
const world = await populate(await startTestServer({ now: clock.now, monotonic: clock.now }));
const admin = await addAdministrator(world.at);
afterAll(() => world.at.close());

const { id: resourceId, identifier } = world.api.row;
const [KEY, QUIET, BUSY] = [1, 2, 3].map((number) => row.apiKey(number, { resource: identifier }));
if (KEY === undefined || QUIET === undefined || BUSY === undefined) throw new Error('three keys');
const three = (Date.UTC(2026, 0, 2, 3) / 1000) as EpochSeconds;
const yesterday = (three - 4 * 3_600) as EpochSeconds;
const uses = (apiKey: typeof KEY.id, startsAt: EpochSeconds, allowed: number, refused: number) => {
  const usedAt = allowed === 0 ? undefined : (((startsAt + 1) * 1000) as EpochMilliseconds);
  return { kind: 'usage.add', usage: { apiKey, resourceId, startsAt, allowed, refused, usedAt } } as const;
};
await world.at.server.commit(
  () => Promise.resolve(),
  () =>
    allow(undefined, [
      ...[KEY, QUIET, BUSY].map((key) => ({ kind: 'api_key.create', key }) as const),
      uses(KEY.id, three, 5, 1),
      uses(KEY.id, (three - 3_600) as EpochSeconds, 2, 0),
      uses(KEY.id, yesterday, 0, 4),
      uses(BUSY.id, three, 100, 0),
    ]),
);

test('APK-03: the uses of a key by day, with their sums and the last one', async () => {
  expect((await admin.get(`/api-keys/${KEY.id}/usage`)).body).toEqual({
    api_key: KEY.id,
    resource: identifier,
    span: 'day',
    from: '2025-12-04T00:00:00.000Z',
    to: '2026-01-03T00:00:00.000Z',
    allowed: 7,
    refused: 5,
    items: [
      { starts_at: '2026-01-01T00:00:00.000Z', allowed: 0, refused: 4 },
      { starts_at: '2026-01-02T00:00:00.000Z', allowed: 7, refused: 1 },
    ],
    last_used_at: '2026-01-02T03:00:01.000Z',
  });
});

test('by hour, from and to are whole hours, or so many up to now', async () => {
  const hours = await admin.get(
    `/api-keys/${KEY.id}/usage?span=hour&from=2026-01-01T23:10:00Z&to=2026-01-02T02:59:59Z`,
  );
  expect(hours.body).toMatchObject({
    from: '2026-01-01T23:00:00.000Z',
    to: '2026-01-02T03:00:00.000Z',
    items: [{ refused: 4 }, { starts_at: '2026-01-02T02:00:00.000Z', allowed: 2 }],
  });
  const last = await admin.get(`/api-keys/${KEY.id}/usage?span=hour&last=1`);
  expect(last.body).toMatchObject({ from: '2026-01-02T03:00:00.000Z', to: '2026-01-02T04:00:00.000Z', allowed: 5 });
  expect((await admin.get(`/api-keys/${KEY.id}/usage?last=1`)).body).toMatchObject({ allowed: 7, refused: 1 });
});

test('a key that was never used has no last use', async () => {
  const { body } = await admin.get(`/api-keys/${QUIET.id}/usage`);
  expect(body).toMatchObject({ allowed: 0, refused: 0, items: [] });
  expect(body).not.toHaveProperty('last_used_at');
});

test('the uses of all keys of a resource, and which of them were used most', async () => {
  expect((await admin.get(`/resources/${resourceId}/usage?last=2`)).body).toEqual({
    resource: identifier,
    span: 'day',
    from: '2026-01-01T00:00:00.000Z',
    to: '2026-01-03T00:00:00.000Z',
    allowed: 107,
    refused: 5,
    items: [
      { starts_at: '2026-01-01T00:00:00.000Z', allowed: 0, refused: 4 },
      { starts_at: '2026-01-02T00:00:00.000Z', allowed: 107, refused: 1 },
    ],
    keys: [
      { api_key: BUSY.id, allowed: 100, refused: 0 },
      { api_key: KEY.id, allowed: 7, refused: 5 },
    ],
  });
});

test.each([
  'from=2026-01-03T00:00:00Z',
  'from=2024-01-01T00:00:00Z',
  'span=hour&from=2025-12-01T00:00:00Z',
  'span=week',
  'last=0',
  'last=401',
  'from=yesterday',
])('a range that cannot be is refused: %s', async (query) => {
  for (const path of [`/api-keys/${KEY.id}/usage`, `/resources/${resourceId}/usage`])
    expect((await admin.get(`${path}?${query}`)).body).toMatchObject({ error: 'invalid_request' });
});

test('what is not there has no usage', async () => {
  for (const path of ['/api-keys/x/usage', `/api-keys/${row.idOf('key', 9)}/usage`, '/resources/x/usage'])
    expect((await admin.get(path)).status).toBe(404);
});
