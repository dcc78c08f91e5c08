import { type Failures, isLocked, secondsToWait } from '@latchkey/domain/accounts/throttle';
import type { EpochMilliseconds } from '@latchkey/protocol/types';

const KEPT_MAX = 10_000;

/**
 * Guesses at names that no account has. They wait like guesses at an account, so that waiting tells nobody which names
 * exist. Unlike those of an account they are kept in memory only: what is lost here guards nothing.
 */
export interface UnknownGuesses {
  secondsToWait(name: string, now: EpochMilliseconds): number;
  fail(name: string, now: EpochMilliseconds): void;
}

export function createUnknownGuesses(keptMax: number = KEPT_MAX): UnknownGuesses {
  const kept = new Map<string, Failures>();
  return {
    secondsToWait(name, now) {
      const failures = kept.get(name);
      return failures === undefined || isLocked(failures) ? 0 : secondsToWait(failures, now);
    },
    fail(name, now) {
      const failures = (kept.get(name)?.failures ?? 0) + 1;
      kept.delete(name);
      const [oldest] = kept.keys();
      if (kept.size >= keptMax && oldest !== undefined) kept.delete(oldest);
      kept.set(name, { failures, lastFailureAt: now });
    },
  };
}
