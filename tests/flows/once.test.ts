import { DURATIONS } from '@latchkey/protocol/limits';
import { formatPosition } from '@latchkey/protocol/position';
import { USES_PER_RESOURCE } from '@latchkey/server/endpoints/once';
import { testClock } from '@latchkey/testkit/clock';
import { populate, type World } from '@latchkey/testkit/people';
import { addResource, jsonBody, startTestServer } from '@latchkey/testkit/test-server';
import { afterEach, beforeEach, expect, test } from 'vitest';

let world: World;
let pos: string;
const clock = testClock();
beforeEach(async () => {
  world = await populate(await startTestServer({ now: clock.now, monotonic: () => 0 }));
  pos = formatPosition((await world.at.server.store.read.moment()).position);
});
afterEach(() => world.at.close());

const exp = (offset = 300) => Math.floor(clock.now() / 1000) + offset;
async function use(jti: string, more: object = {}, authorization = world.api.basic) {
  const answer = await world.at.fetch('/once', jsonBody({ jti, exp: exp(), pos, ...more }, { authorization }));
  const body = await answer.json();
  return body.use ?? [answer.status, body.error, body.error_description];
}

test('a token is used once at a resource, and another token, or one of another resource, is another', async () => {
  const other = await addResource(world.at.server);
  expect([await use('a'), await use('a'), await use('b'), await use('a', {}, other.basic)]).toEqual([
    'first',
    'seen',
    'first',
    'first',
  ]);
});

test('of twenty uses at once, one is the first', async () => {
  const uses = await Promise.all(Array.from({ length: 20 }, () => use('race')));
  expect(uses.map(String).sort()).toEqual(['first', ...Array(19).fill('seen')]);
});

test('what is kept of a use is a hash, until no verifier can accept the token any more, and then nothing', async () => {
  const { store } = world.at.server;
  await use('gone', { exp: exp(300) });
  const left: number[] = [];
  for (const seconds of [479, 1, 1]) {
    clock.advance(seconds * 1000);
    left.push(await store.expire(clock.now(), 100));
  }
  expect(left).toEqual([0, 1, 0]);
  expect(await use('gone', { exp: exp(-181) })).toBe('seen');
});

test('a token of an earlier history of the log counts as used: what it was used for may be lost', async () => {
  expect(await use('before')).toBe('first');
  await world.at.server.commit(
    () => Promise.resolve(),
    (_, { now }) => ({ outcome: { ok: true, value: 0 }, expects: [], writes: [{ kind: 'epoch.begin', at: now }] }),
  );
  expect(await use('unseen')).toBe('seen');
  pos = formatPosition((await world.at.server.store.read.moment()).position);
  expect(await use('after')).toBe('first');
});

test('once_not_allowed: only a resource server counts uses', async () => {
  const answer = await world.at.fetch('/once', jsonBody({ jti: 'a', exp: exp(), pos }));
  expect([answer.status, (await answer.json()).error]).toEqual([401, 'invalid_client']);
  expect(await use('a')).toBe('first');
});

test.each([
  {},
  { jti: '' },
  { jti: 'x'.repeat(201) },
  { exp: '1' },
  { exp: 0.5 },
  { exp: -1 },
  { pos: undefined },
  { pos: '7' },
  { pos: 7 },
])('field_invalid: %j is no use of a token, and changes nothing', async (change) => {
  const isWhole = Object.keys(change).length === 0;
  expect(await use('a', change)).toEqual(isWhole ? 'first' : [422, 'invalid_request', expect.any(String)]);
  if (!isWhole) expect(await use('a')).toBe('first');
});

test('an exp further ahead than that of any token is refused: its row would stay', async () => {
  const seen: unknown[] = [];
  for (const offset of [-1, 0, 1])
    seen.push(await use(`ahead ${offset}`, { exp: exp(DURATIONS.eventRetention + offset) }));
  expect(seen).toEqual(['first', 'first', [422, 'invalid_request', expect.stringContaining('further ahead')]]);
});

test('rate_limited: one resource uses so many tokens a minute, and one more waits', async () => {
  const { ephemeral } = world.at.server;
  const key = `once:${world.api.row.id}`;
  for (let n = 1; n < USES_PER_RESOURCE.burst; n++) await ephemeral.take(key, USES_PER_RESOURCE);
  expect(await use('last')).toBe('first');
  expect(await use('one more')).toEqual([429, 'temporarily_unavailable', expect.any(String)]);
});
