import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createStaleness } from './staleness.ts';

/** A staleness with a clock that the test moves. */
function at(start = 1_000) {
  let time = start;
  const staleness = createStaleness(() => time, 10);
  return {
    staleness,
    pass(milliseconds: number) {
      time += milliseconds;
      return staleness.milliseconds();
    },
  };
}

test('before the first heartbeat nothing is known, however long the stream has been open', () => {
  const { staleness, pass } = at();
  expect([staleness.milliseconds(), staleness.hasSnapshot]).toEqual([Number.POSITIVE_INFINITY, false]);
  staleness.requested();
  expect([pass(5_000), staleness.hasSnapshot]).toEqual([Number.POSITIVE_INFINITY, false]);
});

test('the first heartbeat is as old as the request for its stream: what came on the way is not counted as fresh', () => {
  const { staleness, pass } = at();
  const beat = staleness.requested();
  pass(700);
  beat(50_000);
  expect([staleness.milliseconds(), staleness.hasSnapshot]).toEqual([700, true]);
  expect(pass(300)).toBe(1_000);
});

test('a later one counts by the differences of the server’s own clock, wherever that clock stands', () => {
  for (const serverTime of [0, 50_000, 1_795_000_000_000]) {
    const { staleness, pass } = at();
    const beat = staleness.requested();
    beat(serverTime);
    pass(2_500);
    beat(serverTime + 2_000); // read 2,000 after the first, arrived 500 after that
    expect(staleness.milliseconds()).toBe(500);
    expect(pass(10_000)).toBe(10_500);
  }
});

test('a heartbeat with an old reading does not make what is known older', () => {
  const { staleness, pass } = at();
  const first = staleness.requested();
  first(50_000);
  pass(2_000);
  first(52_000);
  const second = staleness.requested();
  pass(4_000);
  first(52_000);
  expect(staleness.milliseconds()).toBe(4_000);
  second(10);
  expect(staleness.milliseconds()).toBe(4_000);
});

test('a clock of the server that jumps ahead gives nothing away, and later heartbeats count from there', () => {
  const { staleness, pass } = at();
  const beat = staleness.requested();
  beat(50_000);
  pass(2_000);
  beat(3_650_000);
  expect(staleness.milliseconds()).toBe(0);
  pass(3_000); // 1,000 of them on the way or unread
  beat(3_652_000);
  expect(staleness.milliseconds()).toBe(1_000);
});

test.each([3_999, 4_000, 4_001])('a stream ends when its heartbeats lag by more than two of them: %d ms', (lag) => {
  const { staleness, pass } = at();
  const beat = staleness.requested();
  beat(50_000);
  pass(10_000 + lag);
  const late = () => beat(60_000);
  if (lag <= 4_000) expect(late).not.toThrow();
  else expect(late).toThrow('the heartbeats lag');
  expect(staleness.milliseconds()).toBe(lag <= 4_000 ? lag : 10_000 + lag);
});

test.each([2_499, 2_500, 2_501])('where the bound is short, by more than half of it: %d ms of 5 s', (lag) => {
  let time = 0;
  const beat = createStaleness(() => time, 5).requested();
  beat(50_000);
  time += 10_000 + lag;
  const late = () => beat(60_000);
  if (lag <= 2_500) expect(late).not.toThrow();
  else expect(late).toThrow('the heartbeats lag');
});

test('a clock of the server that goes back ends the stream; the next one counts by the new time', () => {
  const { staleness, pass } = at();
  const beat = staleness.requested();
  beat(5_000_000);
  pass(2_000);
  expect(() => beat(1_000)).toThrow('the heartbeats lag');
  expect(staleness.milliseconds()).toBe(2_000);
  staleness.requested()(1_000);
  expect(staleness.milliseconds()).toBe(0);
});

test('what is known is never thought to be more current than it is, whatever both clocks do', () => {
  const step = fc.record({
    /** How much later the server reads its log, and how much its own clock moves on meanwhile. */
    passes: fc.nat(5_000),
    clockMoves: fc.nat(20_000),
    /** How long the heartbeat is on the way. */
    takes: fc.nat(3_000),
    reconnects: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 30 }), fc.nat(1_000_000), (steps, serverStart) => {
      let time = 0;
      let serverTime = serverStart;
      let slowest = 0;
      const staleness = createStaleness(() => time, 10);
      let beat = staleness.requested();
      for (const { passes, clockMoves, takes, reconnects } of steps) {
        if (reconnects) beat = staleness.requested();
        time += passes;
        serverTime += Math.max(clockMoves, passes); // a clock that jumps ahead, never back
        const readAt = time;
        slowest = Math.max(slowest, takes);
        time += takes;
        serverTime += takes;
        try {
          beat(serverTime - takes);
        } catch {
          beat = staleness.requested();
        }
        // the error is what one heartbeat took on its way while the clock jumped, and does not add up
        expect(staleness.milliseconds()).toBeGreaterThanOrEqual(time - readAt - slowest);
      }
    }),
  );
});
