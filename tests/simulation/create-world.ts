import { type ApiServer, startApiServer } from './api-server.ts';
import { createBooks, type Mode } from './books.ts';
import { createWallClock } from './clock.ts';
import { createDatabase } from './database.ts';
import { accountOf, PASSWORD, PEOPLE } from './deployment.ts';
import type { Device } from './device.ts';
import { checkCommit } from './disk-rules.ts';
import { createEnds } from './ends.ts';
import type { Fault } from './faults.ts';
import { createObserver } from './invariants.ts';
import { createNetwork, type Reply } from './network.ts';
import { createServerNode } from './node.ts';
import type { Random } from './random.ts';
import { createRefreshRules } from './refresh-rules.ts';
import { createScheduler } from './scheduler.ts';
import type { Person, World } from './world.ts';

type State = Parameters<typeof checkCommit>[0];

const MODES: readonly Mode[] = ['plain', 'attempt', 'attempt', 'cookie', 'cookie', 'confidential', 'keep'];
/** With the small one, no two clocks differ by more than revocations are kept for longer than tokens live. */
const SKEWS = [25_000, 55_000] as const;
const OVERLAPS = [2_000, 4_000, 10_000] as const;

/** Makes the machines and the people of a history, none of them at work yet. */
export function createWorld(random: Random, trace: string[], fault: Fault | undefined): World {
  const scheduler = createScheduler();
  const note = (who: string, what: string): void => {
    trace.push(`${(scheduler.now() / 1000).toFixed(3)} ${who}: ${what}`);
  };
  const observer = createObserver(scheduler, (line) => note('observer', line));
  const books = createBooks();
  const ends = createEnds(observer);
  const clock = createWallClock(scheduler);
  const onCommit = (before: State, after: State): void => checkCommit(before, after, observer);
  const overlap = random.pick(OVERLAPS);
  const skew = random.pick(SKEWS);
  const database = createDatabase({ scheduler, random, clock, onCommit });
  const node = createServerNode({ scheduler, random, clock, database, fault, overlapMilliseconds: overlap });
  const network = createNetwork(scheduler, random, () => node, random.pick([0, 0.05, 0.2]));
  const people: readonly Person[] = PEOPLE.map((name) => ({
    name,
    sub: accountOf(name),
    passwords: [PASSWORD],
    disabledSince: undefined,
  }));
  const apis: ApiServer[] = [];
  const outcome = (reply: Reply | undefined): string => {
    const refusal = node.server.refusals.find(String(reply?.body.error_id));
    return [reply?.status ?? 'lost', refusal?.error].filter((word) => word !== undefined).join(' ');
  };
  const world: World = {
    scheduler,
    random,
    clock,
    database,
    node,
    network,
    observer,
    books,
    ends,
    people,
    apis,
    overlap,
    skew,
    note,
    outcome,
    rules: createRefreshRules(observer, books, ends),
    devices: createDevices(random, people),
    clockSetAt: Number.NEGATIVE_INFINITY,
  };
  for (const number of [1, 2]) apis.push(startApiServer(() => world, number));
  return world;
}

const createDevices = (random: Random, people: readonly Person[]): readonly Device[] =>
  Array.from({ length: 2 + random.below(2) }, (_, index) => {
    const mode = random.pick(MODES);
    return {
      name: `${mode}${index + 1}`,
      mode,
      person: random.pick(people),
      isEager: random.chance(0.3),
      held: undefined,
      access: [],
      isBusy: false,
    };
  });
