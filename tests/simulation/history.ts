import { createWorld } from './create-world.ts';
import { checkAnswered } from './disk-rules.ts';
import type { Fault } from './faults.ts';
import type { Violation } from './invariants.ts';
import { runAdministrator } from './operator.ts';
import { runTab } from './person.ts';
import { seededRandom } from './random.ts';
import { runThief } from './thief.ts';
import { runWeather } from './weather.ts';

/** One history, from its seed to its end. */
export interface History {
  readonly seed: number;
  readonly violation: Violation | undefined;
  readonly trace: readonly string[];
}

/** How long a history is, in simulated milliseconds. */
const SHORTEST = 6_000;
const SHORT = 14_000;
const LONG = 50_000;

/** Thrown to end a history at its first violation. */
class Violated extends Error {
  override readonly name = 'Violated';
}

/**
 * Runs the history of a seed. The same seed gives the same history, to the letter of its trace.
 *
 * @param isByPages - true where people have to sign in on the pages; otherwise they do in some histories
 */
export async function runHistory(seed: number, fault?: Fault, isByPages = false): Promise<History> {
  const trace: string[] = [];
  const random = seededRandom(seed);
  const world = createWorld(random, trace, fault, isByPages);
  const { scheduler, observer } = world;
  let broken: Error | undefined;
  const live = (actor: Promise<void>): void => {
    actor.catch((error: unknown) => {
      broken ??= error instanceof Error ? error : new Error(String(error));
    });
  };
  live(world.node.start());
  for (const device of world.devices)
    for (let tabs = 1 + random.below(2); tabs > 0; tabs--) live(runTab(world, device));
  for (const run of [runThief, runAdministrator, runWeather]) if (random.chance(0.8)) live(run(world));
  try {
    await scheduler.run(SHORTEST + random.below(random.chance(0.3) ? LONG : SHORT), () => {
      if (broken !== undefined) throw broken;
      checkAnswered(world.database.memory.committed, world.books.families.values(), observer);
      world.guesses.check(world.database.memory.committed);
      for (const api of world.apis) api.check();
      if (observer.violation !== undefined) throw new Violated(observer.violation.what);
    });
  } catch (error) {
    if (!(error instanceof Violated))
      throw new Error(`seed ${seed}: ${String(error)}\n${trace.join('\n')}`, { cause: error });
  }
  world.node.crash();
  for (const api of world.apis) api.close();
  return { seed, violation: observer.violation, trace };
}
