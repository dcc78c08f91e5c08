import type { EpochMilliseconds } from '@latchkey/protocol/types';
import type { RowVersion } from '../row-version.ts';
import type { Write } from '../write.ts';
import type { Reader } from './reader.ts';

/** A reader whose view is stable until `apply` commits. */
export interface Transaction extends Reader {
  apply(expects: readonly RowVersion[], writes: readonly Write[]): Promise<void>;
}

/**
 * The storage port.
 *
 * `transact` runs `work` alone or not at all, and runs it again from the start when another transaction got there
 * first; so `work` awaits the transaction's own methods and nothing else. Its promise settles after the commit is on
 * disk, whatever the outcome, since a refusal too may rest on what another transaction of the same commit wrote.
 */
export interface Store {
  transact<T>(work: (tx: Transaction) => Promise<T>): Promise<T>;
  /** Reads of the committed state, outside of any transaction. */
  readonly read: Reader;
  /** Removes expired rows, at most so many; resolves with how many went. */
  expire(now: EpochMilliseconds, limit: number): Promise<number>;
  /** Calls the listener after each commit that added events to the log. Returns the way to stop. */
  onRevocation(listener: () => void): () => void;
  close(): Promise<void>;
}

/** Thrown by `apply` when a row is no longer as the decision saw it. Never leaves a store: it runs `work` again. */
export class WriteConflict extends Error {
  override readonly name = 'WriteConflict';
}

/** Thrown by a store that cannot answer: a fault, never a refusal. Becomes 503 at the edge. */
export class StoreUnavailable extends Error {
  override readonly name = 'StoreUnavailable';
}
