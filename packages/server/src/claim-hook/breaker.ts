/** So many failures in a row, after which nothing is tried for so long. */
const FAILURES_MAX = 5;
const PAUSE_MILLISECONDS = 5_000;

/** Leaves alone what has failed several times in a row; then one tries, and the others wait for what comes of it. */
export interface Breaker {
  mayTry(): boolean;
  /** What came of a try. */
  tried(isGood: boolean): void;
}

/** @param monotonic milliseconds that never go back */
export function createBreaker(monotonic: () => number): Breaker {
  let failures = 0;
  let until = Number.NEGATIVE_INFINITY;
  return {
    mayTry() {
      if (failures < FAILURES_MAX) return true;
      if (monotonic() < until) return false;
      // whoever comes first tries; for the others the pause goes on
      until = monotonic() + PAUSE_MILLISECONDS;
      return true;
    },
    tried(isGood) {
      failures = isGood ? 0 : failures + 1;
      if (failures >= FAILURES_MAX) until = monotonic() + PAUSE_MILLISECONDS;
    },
  };
}
