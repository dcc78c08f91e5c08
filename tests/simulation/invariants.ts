import type { Scheduler } from './scheduler.ts';

/**
 * What must never happen, by the names of the design; `L` is what an honest client was promised, `C` is about codes and
 * consents, `G` about guessing, `Q` about quotas.
 */
export type Invariant = 'I1' | 'I2' | 'I3' | 'I6' | 'I10' | 'L' | 'C' | 'G' | 'Q';

export interface Violation {
  readonly invariant: Invariant;
  readonly milliseconds: number;
  readonly what: string;
}

/** Time of the observer: what happens at one moment still has an order. */
export interface Observer {
  /** A number that is greater than all before. */
  tick(): number;
  now(): number;
  /** Notes that an invariant does not hold. The first one ends the history. */
  violate(invariant: Invariant, what: string): void;
  readonly violation: Violation | undefined;
}

export function createObserver(scheduler: Scheduler, note: (line: string) => void): Observer {
  let ticks = 0;
  let violation: Violation | undefined;
  return {
    tick() {
      ticks += 1;
      return ticks;
    },
    now: scheduler.now,
    violate(invariant, what) {
      note(`VIOLATED ${invariant}: ${what}`);
      violation ??= { invariant, milliseconds: scheduler.now(), what };
    },
    get violation() {
      return violation;
    },
  };
}
