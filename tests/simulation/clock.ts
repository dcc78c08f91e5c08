import type { Timers } from '@latchkey/protocol/timers';
import type { EpochMilliseconds } from '@latchkey/protocol/types';
import type { Scheduler } from './scheduler.ts';

/** When every history begins, by a clock that is right. */
export const BEGINNING = Date.UTC(2026, 0, 2, 3, 4, 5);

/** The clock on the wall of one machine: it may be wrong, and somebody may set it. */
export interface WallClock {
  readonly now: () => EpochMilliseconds;
  /** Sets it forth or back. */
  step(milliseconds: number): void;
}

export function createWallClock(scheduler: Scheduler, skew = 0): WallClock {
  let wrong = skew;
  return {
    now: () => Math.floor(BEGINNING + scheduler.now() + wrong) as EpochMilliseconds,
    step(milliseconds) {
      wrong += milliseconds;
    },
  };
}

/** Timers of a machine that end in simulated time. */
export const simulatedTimers = (scheduler: Scheduler): Timers => ({
  after: scheduler.after,
  inBackground: scheduler.after,
});
