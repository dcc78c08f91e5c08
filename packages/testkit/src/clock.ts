import type { EpochMilliseconds } from '@latchkey/protocol/types';

/** A clock that a test moves. */
export interface TestClock {
  readonly now: () => EpochMilliseconds;
  advance(milliseconds: number): void;
}

export function testClock(start = Date.UTC(2026, 0, 2, 3, 4, 5)): TestClock {
  let time = start;
  return {
    now: () => time as EpochMilliseconds,
    advance(milliseconds) {
      time += milliseconds;
    },
  };
}
