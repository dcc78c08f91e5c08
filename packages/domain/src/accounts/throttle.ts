import type { EpochMilliseconds } from '@latchkey/protocol/types';

/** Wrong guesses in a row, and when the last of them was. */
export interface Failures {
  readonly failures: number;
  readonly lastFailureAt: EpochMilliseconds | undefined;
}

/** From this failure on, the next guess has to wait. */
export const FREE_FAILURES = 5;
/** So many in a row end a password, until an administrator sets another one. @spec SP 800-63B-4 §3.2.2 */
export const FAILURES_MAX = 100;
const LONGEST_WAIT_SECONDS = 900;

/**
 * How long a guess has to wait: twice as long after each failure from the fifth on, a quarter of an hour at most. The
 * time since is taken without its sign, so that a clock that was set back does not lock anybody out for longer.
 */
export function secondsToWait({ failures, lastFailureAt }: Failures, now: EpochMilliseconds): number {
  if (failures < FREE_FAILURES || lastFailureAt === undefined) return 0;
  const wait = Math.min(2 ** (failures - FREE_FAILURES), LONGEST_WAIT_SECONDS);
  return Math.max(0, Math.ceil(wait - Math.abs(now - lastFailureAt) / 1000));
}

export const isLocked = ({ failures }: Failures): boolean => failures >= FAILURES_MAX;
