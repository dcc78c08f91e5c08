import type { Moment } from '@latchkey/domain/ports/reader';
import { StoreUnavailable } from '@latchkey/domain/ports/store';
import { transact } from '@latchkey/domain/transact';
import { DURATIONS } from '@latchkey/protocol/limits';
import { fail, ok } from '@latchkey/protocol/result';
import { createUsageCounter } from '@latchkey/server/api-keys/count-usage';
import { readAppearance } from '@latchkey/server/appearance/appearance';
import { createSteadyClock } from '@latchkey/server/create-server';
import { createFeed } from '@latchkey/server/feed/publish';
import { createKeyRing } from '@latchkey/server/keys/open-key-ring';
import type { Log } from '@latchkey/server/observe/log';
import type { Metrics } from '@latchkey/server/observe/metrics';
import { createRefusals } from '@latchkey/server/observe/refusal-ring';
import type { PasswordHasher } from '@latchkey/server/prove/password-hasher';
import { readSettings } from '@latchkey/server/read-settings';
import type { Server } from '@latchkey/server/server';
import { createStatusLists } from '@latchkey/server/status-lists/build-status-lists';
import { createUnknownGuesses } from '@latchkey/server/throttle/unknown-guesses';
import { memoryEphemeral } from '@latchkey/store/ephemeral/memory';
import { simulatedTimers, type WallClock } from './clock.ts';
import type { Database } from './database.ts';
import { csrfKey, ISSUER, phcOf, seal } from './deployment.ts';
import { answer } from './edge.ts';
import type { Fault } from './faults.ts';
import type { Random } from './random.ts';
import type { Scheduler } from './scheduler.ts';

/** The one server process there is, from start to crash and over again. */
export interface ServerNode {
  readonly isUp: boolean;
  /** The parts of the process that runs now, for what an operator does. */
  readonly server: Server;
  /** Answers; undefined when the process is not there, or dies before it has answered. */
  handle(request: Request, decided?: (moment: Moment) => void): Promise<Response | undefined>;
  start(): Promise<void>;
  crash(): void;
}

export interface NodeParts {
  readonly scheduler: Scheduler;
  readonly random: Random;
  readonly clock: WallClock;
  readonly database: Database;
  readonly overlapMilliseconds: number;
  readonly fault: Fault | undefined;
}

const HASHER: PasswordHasher = {
  hash: async (password) => ok(phcOf(password)),
  verify: async (password, phc) => ok(phc === phcOf(password)),
  isOutdated: () => false,
};
const SILENT: Log = { info() {}, warn() {}, error() {} };
const UNCOUNTED: Metrics = { count() {}, observe() {}, set() {}, render: async () => '' };

const settings = (() => {
  const read = readSettings({ flags: { issuer: ISSUER, trustedProxies: '127.0.0.1' }, env: {}, file: {} });
  if (!read.ok) throw new Error(JSON.stringify(read.error));
  return read.value;
})();
const appearance = readAppearance(settings);

/** A signature may be slow: so much may lie between a commit and the tokens of its answer. */
const SLOW_HOOK = { chance: 0.2, milliseconds: 3_000 } as const;

export function createServerNode(parts: NodeParts): ServerNode {
  const { scheduler, random } = parts;
  let life = 0;
  let isUp = false;
  let server: Server = assemble(parts, () => false);

  return {
    get isUp() {
      return isUp;
    },
    get server() {
      return server;
    },
    async handle(request, decided) {
      if (!isUp) return undefined;
      const born = life;
      const { commit } = server;
      const mine: Server = {
        ...server,
        async commit(load, decide) {
          const committed = await commit(load, decide);
          decided?.(committed.moment);
          if (random.chance(SLOW_HOOK.chance)) await scheduler.sleep(random.below(SLOW_HOOK.milliseconds));
          if (parts.fault?.beforeMinting === undefined) return committed;
          return parts.fault.beforeMinting(committed, await server.store.read.moment());
        },
      };
      const response = await answer(request, mine).catch((error: unknown) => {
        if (life === born) throw error;
        return undefined; // whatever it stumbled over, it was dead by then
      });
      return life === born ? response : undefined;
    },
    async start() {
      const born = life;
      server = assemble(parts, () => life === born);
      while (life === born) {
        try {
          await server.feed.open();
          isUp = life === born;
          return;
        } catch (error) {
          if (!(error instanceof StoreUnavailable)) throw error;
          server.feed.close();
          await scheduler.sleep(200);
        }
      }
    },
    crash() {
      life += 1;
      isUp = false;
      parts.database.memory.crash();
      server.feed.close();
    },
  };
}

/** The parts of a process, as `create-server.ts` joins them. */
function assemble(parts: NodeParts, isAlive: () => boolean): Server {
  const { scheduler, random, clock, database, fault } = parts;
  const store = database.openedBy(isAlive);
  const monotonic = () => scheduler.now();
  const planted = fault?.born?.() ?? fault;
  const commit: Server['commit'] = (load, decide) => transact(store, load, planted?.decision?.(decide) ?? decide);
  const { now } = clock;
  const steady = createSteadyClock(now, monotonic);
  const feed = createFeed(
    { store, commit, metrics: UNCOUNTED, log: SILENT, now, steady },
    { heartbeatMilliseconds: DURATIONS.heartbeatInterval * 1000, timers: simulatedTimers(scheduler) },
  );
  const keys = createKeyRing(store, seal);
  return {
    settings: { ...settings, refreshOverlapMilliseconds: parts.overlapMilliseconds },
    appearance,
    store,
    ephemeral: memoryEphemeral(monotonic),
    seal,
    keys,
    statusLists: createStatusLists({ store, keys, settings, steady }),
    passwords: HASHER,
    breachedPasswords: { verdictOn: async () => 'clear' },
    unknownGuesses: createUnknownGuesses(),
    feed: fault?.feed?.(feed, scheduler) ?? feed,
    fetch: async () => fail('failed'),
    log: SILENT,
    metrics: UNCOUNTED,
    refusals: createRefusals('node', random.bytes),
    usage: createUsageCounter({ commit, now, log: SILENT }),
    csrfKey,
    metricsToken: undefined,
    mail: undefined,
    mailbox: undefined,
    claimHook: undefined,
    isDraining: () => false,
    entropy: random.bytes,
    now,
    steady,
    commit,
  };
}
