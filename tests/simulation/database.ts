import { type Store, StoreUnavailable } from '@latchkey/domain/ports/store';
import { createMemoryStore, type MemoryStore } from '@latchkey/testkit/memory-store';
import type { WallClock } from './clock.ts';
import type { Random } from './random.ts';
import type { Scheduler } from './scheduler.ts';

type State = MemoryStore['committed'];

/** The disk under the node: what is committed outlives every process, and it can be slow, or away for a while. */
export interface Database {
  readonly memory: MemoryStore;
  /** Puts an older state in place of what is there, as from a backup. */
  restore(state: State): void;
  /** From now on, and for so long, it cannot be read or written. */
  fail(milliseconds: number): void;
  /** For so long a read of the log waits; all else goes on. */
  stall(milliseconds: number): void;
  /** True time until which something was wrong with it. */
  readonly troubledUntil: number;
  /** The store as one process sees it: after its end it can do nothing more. */
  openedBy(isAlive: () => boolean): Store;
}

export interface DatabaseParts {
  readonly scheduler: Scheduler;
  readonly random: Random;
  readonly clock: WallClock;
  /** What is on it when the history begins. */
  readonly first: State;
  /** Called after each commit, with what was on disk before it and what is there now. */
  readonly onCommit: (before: State, after: State) => void;
}

const SLOW = 0.2;

export function createDatabase({ scheduler, random, clock, first, onCommit }: DatabaseParts): Database {
  let awayUntil = 0;
  let stalledUntil = 0;
  let seen = first;
  const pause = async (): Promise<void> => {
    if (random.chance(SLOW)) await scheduler.sleep(random.below(60));
  };
  const memory = createMemoryStore({
    now: clock.now,
    beforeCommit: pause,
    afterCommit() {
      const before = seen;
      seen = memory.committed;
      onCommit(before, seen);
      return pause();
    },
  });
  memory.restore(first);

  async function reach(isAlive: () => boolean): Promise<void> {
    if (!isAlive()) throw new StoreUnavailable('the process is dead');
    if (scheduler.now() < awayUntil) throw new StoreUnavailable('the disk is away');
  }

  return {
    memory,
    get troubledUntil() {
      return Math.max(awayUntil, stalledUntil);
    },
    restore(state) {
      memory.restore(state);
      seen = state;
    },
    fail(milliseconds) {
      awayUntil = scheduler.now() + milliseconds;
    },
    stall(milliseconds) {
      stalledUntil = scheduler.now() + milliseconds;
    },
    openedBy: (isAlive) => ({
      ...memory,
      read: {
        ...memory.read,
        async moment() {
          await reach(isAlive);
          return memory.read.moment();
        },
        async revocations(...asked) {
          if (scheduler.now() < stalledUntil) await scheduler.sleep(stalledUntil - scheduler.now());
          await reach(isAlive);
          return memory.read.revocations(...asked);
        },
      },
      async transact(work) {
        await reach(isAlive);
        return memory.transact(work);
      },
    }),
  };
}
