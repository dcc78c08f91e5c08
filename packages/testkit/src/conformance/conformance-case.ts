import { deepStrictEqual } from 'node:assert/strict';
import type { Store } from '@latchkey/domain/ports/store';
import type { RowVersion } from '@latchkey/domain/row-version';
import type { Write } from '@latchkey/domain/write';
import type { EpochMilliseconds } from '@latchkey/protocol/types';

/** What the suite asks of a store: the port, and the check value of the key-encryption key. */
export interface ConformanceStore extends Store {
  kekCheck(): Promise<Uint8Array | undefined>;
  setKekCheck(check: Uint8Array): Promise<void>;
}

/** One thing that holds of every store; each case gets an empty one. */
export interface ConformanceCase {
  readonly name: string;
  run(store: ConformanceStore): Promise<void>;
}

/** The clock of a store under test stands still here. */
export const NOW = Date.UTC(2026, 0, 2, 3, 4, 5) as EpochMilliseconds;

/** The MAC of audit rows of a store under test: short, and different for different bytes. */
export const auditMac = (bytes: Uint8Array): Uint8Array => {
  let sum = 0;
  for (const byte of bytes) sum = (sum * 31 + byte) >>> 0;
  return new Uint8Array(new Uint32Array([sum]).buffer);
};

/** Makes these changes in one transaction. */
export const put = (store: Store, ...writes: readonly Write[]): Promise<void> =>
  store.transact((tx) => tx.apply([], writes));

/** Tries these changes; true when they are refused because the rows are not as they were expected. */
export async function conflicts(
  store: Store,
  writes: readonly Write[],
  expects: readonly RowVersion[] = [],
): Promise<boolean> {
  try {
    await store.transact((tx) => tx.apply(expects, writes));
    return false;
  } catch (error) {
    if (error instanceof Error && error.name === 'WriteConflict') return true;
    throw error;
  }
}

export const same = (actual: unknown, expected: unknown, message?: string): void =>
  message === undefined ? deepStrictEqual(actual, expected) : deepStrictEqual(actual, expected, message);
