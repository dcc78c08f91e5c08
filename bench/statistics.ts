/** The figures of a bench: medians of interleaved rounds, because a machine's speed drifts while it is measured. */
export const median = (values: readonly number[]): number => quantile(values, 0.5);

/** The nearest-rank quantile of unsorted values. */
export function quantile(values: readonly number[], q: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(q * sorted.length) - 1)] ?? Number.NaN;
}

/** Runs each candidate once a round, in turn, and gives each one's results in order of the rounds. */
export async function interleave<T>(
  rounds: number,
  candidates: Readonly<Record<string, () => Promise<T> | T>>,
): Promise<Readonly<Record<string, readonly T[]>>> {
  const results: Record<string, T[]> = {};
  for (let round = 0; round < rounds; round++)
    for (const [name, run] of Object.entries(candidates)) {
      results[name] ??= [];
      results[name].push(await run());
    }
  return results;
}
