import { expect, test } from 'vitest';
import type { Fault } from './faults.ts';
import { runHistory } from './history.ts';
import type { Invariant } from './invariants.ts';
import { reportOf } from './report.ts';

/** So many histories are one test: enough to say where it went wrong, few enough to see it move. */
const PER_TEST = 250;
/** A machine that does many things at once may need long. */
const PATIENCE = 600_000;

/** Runs the histories of these seeds; the first that violates something is shown, with its seed. */
export function expectHistories(from: number, count: number): void {
  const starts = Array.from({ length: count / PER_TEST }, (_, index) => from + index * PER_TEST);
  test.each(starts)(
    `I1, I2, I3, I6, I10, C and G hold in every history: ${PER_TEST} seeds from %d`,
    async (start) => {
      for (let seed = start; seed < start + PER_TEST; seed++) {
        const history = await runHistory(seed);
        if (history.violation !== undefined) expect.fail(reportOf(history));
      }
    },
    PATIENCE,
  );
}

/**
 * A mistake that is planted, the invariant by which it shows, and the histories within which it does. Those that need
 * much luck are looked for from a seed on, not far from one that has found them.
 */
type Planted = readonly [what: string, Fault, Invariant, within: number, from?: number];

/** Each of these mistakes is found by what it breaks. */
export function expectFound(planted: readonly Planted[], isByPages = false): void {
  test.each(
    planted.map(([what, fault, invariant, within, from = 1]) => [what, fault, invariant, within, from] as const),
  )(
    'planted: %s is found',
    async (_, fault, invariant, within, from) => {
      for (let seed = from; seed < from + within; seed++) {
        const { violation } = await runHistory(seed, fault, isByPages);
        if (violation === undefined) continue;
        expect(violation.invariant).toBe(invariant);
        return;
      }
      expect.fail(`not found in ${within} histories`);
    },
    PATIENCE,
  );
}
