import type { History } from './history.ts';

/** What a person needs of a history that went wrong: what was violated, its trace, and how to see it again. */
export function reportOf({ seed, violation, trace }: History): string {
  if (violation === undefined) return `seed ${seed}: nothing was violated`;
  const seconds = (violation.milliseconds / 1000).toFixed(3);
  return [
    `Seed ${seed} violates ${violation.invariant} after ${seconds} s: ${violation.what}`,
    `Replay: npm run simulate -- --seed ${seed} --histories 1 --trace`,
    ...trace,
  ].join('\n');
}
