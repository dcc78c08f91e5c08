/** The figures of a bench: medians of interleaved rounds, because a machine's speed drifts while it is measured. */
export const median = (values: readonly number[]): number => quantile(values, 0.5);

/** The nearest-rank quantile of unsorted values. */
export function quantile(values: readonly number[], q: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(q * sorted.length) - 1)] ?? Number.NaN;
}

const turn = () => new Promise<void>((resolve) => void setTimeout(resolve, 5));

/** Runs each candidate once a round, in turn; gives each one's results of the rounds after the warm-ups, in order. */
export async function interleave<T>(
  warmUps: number,
  rounds: number,
  candidates: Readonly<Record<string, () => Promise<T> | T>>,
): Promise<Readonly<Record<string, readonly T[]>>> {
  const results: Record<string, T[]> = {};
  for (let round = 0; round < warmUps + rounds; round++)
    for (const [name, run] of Object.entries(candidates)) {
      await turn(); // what a verifier hears of the feed waits for the event loop, and work that never waits starves it
      const result = await run();
      if (round >= warmUps) results[name] = [...(results[name] ?? []), result];
    }
  return results;
}
