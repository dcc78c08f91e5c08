import type { ApiKeyTerms, Lease } from '@latchkey/protocol/api-key-terms';
import { LIMITS } from '@latchkey/protocol/limits';
import type { EpochSeconds } from '@latchkey/protocol/types';
import { beforeEach, describe, expect, test } from 'vitest';
import { createMeters, type Meters } from './meters.ts';

const START = 1_795_000_000;
let time: number;
/** By how much the clock of the day was put ahead. */
let ahead: number;
let heard: unknown[];

beforeEach(() => {
  time = 0;
  ahead = 0;
  heard = [];
});
const made = (max?: number, isStrict = false): Meters =>
  createMeters(
    {
      now: () => (START + time + ahead) * 1000,
      monotonic: () => time * 1000,
      onEvent: (event) => void heard.push(event),
      isStrict,
    },
    max,
  );
const terms = (change: object = {}): ApiKeyTerms => ({ environment: 'live', ...change });
const lease = (id: string, change: Partial<Lease> = {}): Lease => ({
  id,
  api_key: 'key_1',
  uses: 10,
  until: (START + 60) as EpochSeconds,
  limit: 100,
  remaining: 90,
  reset: (START + 3_600) as EpochSeconds,
  ...change,
});
const take = (meters: Meters, times: number, id = 'key_1') =>
  Array.from({ length: times }, () => meters.take(id, true) ?? 'ok');

describe('how many keys are counted', () => {
  test('as many as may be, and one more: what is counted already is not lost, and it is told of', () => {
    const meters = made(3);
    for (const id of ['a', 'b', 'c', 'd']) {
      meters.learn(id, terms());
      expect(meters.take(id, false)).toBeUndefined();
    }
    expect(meters.collect(false).usage.map(({ api_key }) => api_key)).toEqual(['a', 'b', 'c']);
    expect(heard).toContainEqual({ event: 'usage_lost', reason: 'more API keys in use than are counted' });
  });

  test('one with a limit that finds no room is not let in: its limit would be none', () => {
    const meters = made(1);
    meters.learn('a', terms());
    meters.take('a', false);
    meters.learn('key_1', terms({ rate: { limit: 1, seconds: 1, verifiers: 1 } }));
    expect([meters.has('key_1'), meters.take('key_1', true)]).toEqual([false, 'unknown']);
  });

  test('a lease that finds no room goes back unused', () => {
    const meters = made(1);
    meters.learn('a', terms());
    meters.take('a', false);
    meters.learn('key_1', terms({ lease: lease('lea_1') }));
    expect(meters.collect(false).closed).toEqual([{ id: 'lea_1', used: 0 }]);
  });

  test('one that was not used since it was told makes room, with its lease', () => {
    const meters = made(1);
    meters.learn('key_1', terms({ lease: lease('lea_1') }));
    take(meters, 2);
    meters.collect(false);
    meters.collect(false);
    meters.learn('b', terms());
    expect([meters.has('key_1'), meters.has('b'), meters.collect(false).closed]).toEqual([
      false,
      true,
      [{ id: 'lea_1', used: 2 }],
    ]);
  });

  test('not one whose rate would begin anew', () => {
    const meters = made(1);
    meters.learn('key_1', terms({ rate: { limit: 2, seconds: 100, verifiers: 1 } }));
    take(meters, 2);
    meters.collect(false);
    meters.collect(false);
    meters.learn('b', terms());
    expect(meters.has('key_1')).toBe(true);
    time = 100;
    meters.learn('b', terms());
    expect([meters.has('key_1'), meters.has('b')]).toEqual([false, true]);
  });

  test(`by default ${LIMITS.meteredKeysMax}`, () => {
    const meters = made();
    for (let n = 0; n <= LIMITS.meteredKeysMax; n++) {
      meters.learn(`key_${n}`, terms());
      meters.take(`key_${n}`, false);
    }
    expect([meters.has(`key_${LIMITS.meteredKeysMax - 1}`), meters.has(`key_${LIMITS.meteredKeysMax}`)]).toEqual([
      true,
      false,
    ]);
  });

  test('500 are told at a time, and the rest later', () => {
    const meters = made();
    for (let n = 0; n < 501; n++) {
      meters.learn(`key_${n}`, terms());
      meters.take(`key_${n}`, false);
    }
    const lengths = [1, 2, 3].map(() => [meters.collect(false).usage.length, meters.hasNews]);
    expect(lengths).toEqual([
      [500, true],
      [1, false],
      [0, false],
    ]);
  });

  test('48 hours of a key wait for a server that does not answer; then the oldest is given up', () => {
    const meters = made();
    meters.learn('key_1', terms());
    for (let hour = 0; hour < 49; hour++) {
      time = hour * 3_600;
      meters.take('key_1', false);
    }
    expect(meters.collect(false).usage).toHaveLength(48);
    expect(heard).toEqual([{ event: 'usage_lost', reason: 'the server has not answered for too long' }]);
  });
});

describe('leases', () => {
  test('before, at and after its end', () => {
    const seen = [59, 60, 61].map((at) => {
      time = 0;
      const meters = made();
      meters.learn('key_1', terms({ lease: lease('lea_1') }));
      time = at;
      return meters.take('key_1', true) ?? 'ok';
    });
    expect(seen).toEqual(['ok', 'wait', 'wait']);
  });

  test('more is asked for when three quarters of the uses are gone, or of the time', () => {
    const meters = made();
    meters.learn('key_1', terms({ lease: lease('lea_1', { uses: 8 }) }));
    const wants = [1, 2, 3, 4, 5, 6].map(() => {
      meters.take('key_1', true);
      return meters.wantsMore('key_1');
    });
    expect(wants).toEqual([false, false, false, false, false, true]);
    expect(meters.wantsMore('key_1')).toBe(false); // asked for already
    const slow = made();
    slow.learn('key_1', terms({ lease: lease('lea_1', { uses: 8 }) }));
    time = 44;
    expect(slow.wantsMore('key_1')).toBe(false);
    time = 45;
    expect(slow.wantsMore('key_1')).toBe(true);
  });

  test('four are held; one more goes back', () => {
    const meters = made();
    for (let n = 1; n <= 5; n++) meters.learn('key_1', terms({ lease: lease(`lea_${n}`, { uses: 1 }) }));
    expect(take(meters, 5)).toEqual(['ok', 'ok', 'ok', 'ok', 'wait']);
    expect(meters.collect(false).closed).toContainEqual({ id: 'lea_5', used: 0 });
  });

  test('one that comes when it is over goes back', () => {
    const meters = made();
    time = 60;
    meters.learn('key_1', terms({ lease: lease('lea_1') }));
    expect([take(meters, 1), meters.collect(false).closed]).toEqual([['wait'], [{ id: 'lea_1', used: 0 }]]);
  });

  test('“nothing left” holds until the moment that the server names, for a second at least and a minute at most', () => {
    const seen = [-5, 0, 30, 3_600].map((until) => {
      time = 0;
      const meters = made();
      meters.learn('key_1', terms({ lease: lease('lea_0', { uses: 0, until: (START + until) as EpochSeconds }) }));
      const times: number[] = [];
      for (time = 0; time <= 61 && times.length === 0; time++)
        if (meters.take('key_1', true) === 'wait') times.push(time);
      return times[0];
    });
    expect(seen).toEqual([1, 1, 30, 60]);
  });
});

test('where the server counts, nothing is counted here', () => {
  const meters = made(undefined, true);
  meters.learn('key_1', terms({ lease: lease('lea_1', { uses: 1 }) }));
  expect(take(meters, 5)).toEqual(['ok', 'ok', 'ok', 'ok', 'ok']);
  meters.refused('key_1');
  expect(meters.collect(true)).toEqual({ usage: [], closed: [], renew: [], active: [] });
});

describe('a clock that is put back or ahead', () => {
  test('brings no lease back to life, and lets none live longer', () => {
    const meters = made();
    meters.learn('key_1', terms({ lease: lease('lea_1') }));
    ahead = -3_600;
    time = 59;
    expect(take(meters, 1)).toEqual(['ok']);
    time = 60;
    expect(take(meters, 1)).toEqual(['wait']);
    expect(meters.collect(false).closed).toEqual([{ id: 'lea_1', used: 1 }]);
  });

  test('keeps a key out for no longer than the server said', () => {
    const meters = made();
    meters.learn('key_1', terms({ lease: lease('lea_1', { uses: 0, until: (START + 30) as EpochSeconds }) }));
    expect(take(meters, 1)).toEqual(['api_key_quota_exhausted']);
    ahead = -3_600;
    time = 30;
    expect(take(meters, 1)).toEqual(['wait']);
  });

  test('ends a lease early rather than late', () => {
    const meters = made();
    meters.learn('key_1', terms({ lease: lease('lea_1') }));
    ahead = 60;
    expect(take(meters, 1)).toEqual(['wait']);
    ahead = 0;
    meters.learn('key_1', terms({ lease: lease('lea_2') }));
    expect(take(meters, 1)).toEqual(['ok']);
  });
});
