/** Seconds that have passed, fractions included. They never go back, and pass no slower than either clock says. */
export type Elapsed = () => number;

/**
 * Time by which what was lent ends. The clock of the day knows how long a machine has slept. When it is put back, both
 * begin anew, and what has passed has passed.
 *
 * @param now milliseconds since 1970, by a clock that somebody may set
 * @param monotonic milliseconds that never go back
 */
export function createElapsed(now: () => number, monotonic: () => number): Elapsed {
  let passed = 0;
  let began = { passed, day: now(), own: monotonic() };
  let last = began;
  return () => {
    const [day, own] = [now(), monotonic()];
    if (day < last.day) began = { passed: passed + (own - last.own) / 1000, day, own };
    passed = Math.max(passed, began.passed + Math.max(day - began.day, own - began.own) / 1000);
    last = { passed, day, own };
    return passed;
  };
}
