import { runCredentialWeather, runEnder, runHolder, runIssuer } from './credential-actions.ts';
import { createCredentialWorld } from './credential-world.ts';
import type { Fault } from './faults.ts';
import type { History } from './history.ts';
import { seededRandom } from './random.ts';

const SHORTEST = 60_000;
const LONGEST = 180_000;

/** A history, and how often each kind of credential was let in. */
export interface CredentialHistory extends History {
  readonly accepted: Readonly<Record<string, number>>;
}

/**
 * Runs the history of a seed about credentials of every kind: how they are given out, used at three APIs, ended, rotated
 * and narrowed, while lines break and processes die. All clocks are right here, so that times can be held to the second.
 */
export async function runCredentialHistory(seed: number, fault?: Fault): Promise<CredentialHistory> {
  const trace: string[] = [];
  const random = seededRandom(seed);
  const world = createCredentialWorld(random, trace, fault);
  const { scheduler, observer, node, apis } = world;
  let broken: Error | undefined;
  for (const actor of [
    node.start(),
    ...[runIssuer, runEnder, runHolder, runHolder].map((run) => run(world)),
    runCredentialWeather(world),
  ])
    actor.catch((error: unknown) => {
      broken ??= error instanceof Error ? error : new Error(String(error));
    });
  const isOver = () => broken !== undefined || observer.violation !== undefined;
  try {
    await scheduler.run(SHORTEST + random.below(LONGEST - SHORTEST), () => {
      if (isOver()) throw new Over();
    });
  } catch (error) {
    if (!(error instanceof Over)) throw error;
  }
  if (broken !== undefined) throw new Error(`seed ${seed}: ${String(broken)}\n${trace.join('\n')}`, { cause: broken });
  node.crash();
  for (const api of apis) api.close();
  const accepted = Object.fromEntries(
    ['jwt', 'opaque', 'key'].map((kind) => [kind, trace.filter((line) => kindOf(line) === kind).length]),
  );
  return { seed, violation: observer.violation, trace, accepted };
}

/** Which kind a line of the trace says was let in. */
const kindOf = (line: string): string | undefined => {
  if (!/→ (ok|stale)$/.test(line)) return undefined;
  return /: (jwt|opaque)\d/.exec(line)?.[1] ?? 'key';
};

/** Thrown to end a history. */
class Over extends Error {
  override readonly name = 'Over';
}
