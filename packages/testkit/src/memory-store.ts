import { type Store, StoreUnavailable, type Transaction, WriteConflict } from '@latchkey/domain/ports/store';
import { type EpochMilliseconds, seconds } from '@latchkey/protocol/types';
import { applyWrites, checkExpected } from './memory/apply.ts';
import { expireRows } from './memory/expire.ts';
import { createMemoryReader } from './memory/reader.ts';
import { emptyState, type MemoryState } from './memory/state.ts';

export interface MemoryStoreOptions {
  readonly now: () => EpochMilliseconds;
  readonly auditMac?: (bytes: Uint8Array) => Uint8Array;
  /** Waited for between a decision and its commit: here others may commit first, or the process may die (by a throw). */
  readonly beforeCommit?: () => Promise<void>;
  /** Waited for between a commit and its answer: a throw here is an answer that was lost. */
  readonly afterCommit?: () => Promise<void>;
}

/** A store in memory. What was committed is one value, which can be looked at, kept, and put back. */
export interface MemoryStore extends Store {
  kekCheck(): Promise<Uint8Array | undefined>;
  setKekCheck(check: Uint8Array): Promise<void>;
  /** What is on the simulated disk. */
  readonly committed: MemoryState;
  /** A process that dies takes its open transactions with it; what is committed stays. */
  crash(): void;
  /** Puts an older state on the disk, as from a backup. */
  restore(state: MemoryState): void;
}

/** How often work is run again because somebody else committed first. */
const RUNS_MAX = 1_000;

/**
 * The simulated store. Transactions really run at the same time: each looks at the state as it was when it began, and
 * commits only if that is still the last one; otherwise it is run again from the start. So every order of commits is a
 * serial one, and every moment between two steps is one at which something else may happen.
 */
export function createMemoryStore({
  now,
  auditMac = () => new Uint8Array(),
  beforeCommit,
  afterCommit,
}: MemoryStoreOptions): MemoryStore {
  let committed = emptyState(seconds(now()));
  let check: Uint8Array | undefined;
  let isClosed = false;
  let life = 0;
  const listeners = new Set<() => void>();

  /** Runs work once on the last state; tells whether what it wrote is now committed. */
  async function attempt<T>(work: (tx: Transaction) => Promise<T>, born: number) {
    const base = committed;
    let mine = base;
    const tx: Transaction = {
      ...createMemoryReader(() => mine, now),
      async apply(expects, writes) {
        checkExpected(mine, expects);
        mine = applyWrites(mine, writes, auditMac);
      },
    };
    const value = await work(tx);
    await beforeCommit?.();
    if (life !== born) throw new StoreUnavailable('the process died before its commit');
    if (mine !== base) {
      if (committed !== base) throw new WriteConflict('somebody else committed first');
      committed = mine;
    }
    return { value, hasEvents: mine.position !== base.position };
  }

  return {
    read: createMemoryReader(() => committed, now),
    async transact(work) {
      const born = life;
      for (let run = 1; ; run++) {
        if (isClosed || life !== born) throw new StoreUnavailable('the store is closed');
        try {
          const { value, hasEvents } = await attempt(work, born);
          if (hasEvents) for (const listener of listeners) listener();
          await afterCommit?.();
          if (life !== born) throw new StoreUnavailable('the process died before its answer');
          return value;
        } catch (error) {
          if (!(error instanceof WriteConflict) || run === RUNS_MAX) throw error;
        }
      }
    },
    async expire(at, limit) {
      const { state, removed } = expireRows(committed, at, limit);
      committed = state;
      return removed;
    },
    onRevocation(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    async kekCheck() {
      return check;
    },
    async setKekCheck(given) {
      check ??= given;
    },
    async close() {
      isClosed = true;
    },
    get committed() {
      return committed;
    },
    crash() {
      life += 1;
    },
    restore(state) {
      committed = state;
    },
  };
}
