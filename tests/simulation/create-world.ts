import { type ApiServer, startApiServer } from './api-server.ts';
import { createBooks, isByCode, type Mode } from './books.ts';
import type { Browser } from './browser.ts';
import { createBrowserRules } from './browser-rules.ts';
import { createWallClock } from './clock.ts';
import { createCodeRules } from './code-rules.ts';
import { createDatabase } from './database.ts';
import { accountOf, CROWDED, GUESSED, PASSWORD, PEOPLE, QUIET } from './deployment.ts';
import type { Device } from './device.ts';
import { checkCommit } from './disk-rules.ts';
import { createEnds } from './ends.ts';
import type { Fault } from './faults.ts';
import { checkGrants } from './grant-disk-rules.ts';
import { createGuessRules } from './guess-rules.ts';
import { createObserver } from './invariants.ts';
import { createNetwork, type Reply } from './network.ts';
import { createServerNode } from './node.ts';
import type { Random } from './random.ts';
import { createRefreshRules } from './refresh-rules.ts';
import { createRows } from './rows.ts';
import { createScheduler } from './scheduler.ts';
import type { Person, World } from './world.ts';

type State = Parameters<typeof checkCommit>[0];

const MODES: readonly Mode[] = ['plain', 'attempt', 'attempt', 'cookie', 'cookie', 'confidential', 'keep'];
/** With the small one, no two clocks differ by more than revocations are kept for longer than tokens live. */
const SKEWS = [25_000, 55_000] as const;
const OVERLAPS = [2_000, 4_000, 10_000] as const;
/** In so many histories people sign in on the pages. */
const BY_PAGES = 0.3;
const PASTS = [QUIET, QUIET, GUESSED, GUESSED, CROWDED] as const;

/** Makes the machines and the people of a history, none of them at work yet. */
export function createWorld(random: Random, trace: string[], fault: Fault | undefined, mustBeByPages: boolean): World {
  const scheduler = createScheduler();
  const note = (who: string, what: string): void => {
    trace.push(`${(scheduler.now() / 1000).toFixed(3)} ${who}: ${what}`);
  };
  const observer = createObserver(scheduler, (line) => note('observer', line));
  const books = createBooks();
  const ends = createEnds(observer);
  const clock = createWallClock(scheduler);
  const rows = createRows();
  const onCommit = (before: State, after: State): void => {
    rows.committed(before, after);
    checkCommit(before, after, observer);
    checkGrants(before, after, observer);
  };
  const overlap = random.pick(OVERLAPS);
  const skew = random.pick(SKEWS);
  const isByPages = random.chance(BY_PAGES) || mustBeByPages;
  const past = isByPages ? random.pick(PASTS) : QUIET;
  const database = createDatabase({ scheduler, random, clock, first: past.state, onCommit });
  const node = createServerNode({ scheduler, random, clock, database, fault, overlapMilliseconds: overlap });
  const network = createNetwork(scheduler, random, () => node, random.pick([0, 0.05, 0.2]));
  const people: readonly Person[] = PEOPLE.map((name) => ({
    name,
    sub: accountOf(name),
    passwords: [PASSWORD],
    disabledSince: undefined,
  }));
  const apis: ApiServer[] = [];
  const reasonOf = (reply: Reply | undefined) => node.server.refusals.find(String(reply?.body.error_id))?.error;
  const outcome = (reply: Reply | undefined): string =>
    [reply?.status ?? 'lost', reasonOf(reply)].filter((word) => word !== undefined).join(' ');
  const clockSetAt = () => world.clockSetAt;
  const codes = createCodeRules({ observer, books, ends, overlap, clockSetAt, reasonOf });
  const guesses = createGuessRules(observer, people, past.guesses);
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
    reasonOf,
    rules: createRefreshRules(observer, books, ends),
    codes,
    guesses,
    browsing: createBrowserRules({ observer, ends, rows, rules: codes, guesses }),
    devices: isByPages ? createParties(random, people) : createDevices(random, people),
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
      browser: undefined,
      held: undefined,
      access: [],
      isBusy: false,
    };
  });

/** One browser, in which people sign in for two clients, and sometimes a device that they have beside it. */
function createParties(random: Random, people: readonly Person[]): readonly Device[] {
  const browser: Browser = { cookies: new Map() };
  const modes: readonly Mode[] = ['portal', 'shop', ...(random.chance(0.4) ? [random.pick(MODES)] : [])];
  return modes.map((mode, index) => ({
    name: `${mode}${index + 1}`,
    mode,
    person: random.pick(people),
    isEager: random.chance(0.3),
    browser: isByCode(mode) ? browser : undefined,
    held: undefined,
    access: [],
    isBusy: false,
  }));
}
