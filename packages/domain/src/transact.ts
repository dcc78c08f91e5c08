import type { ErrorId } from '@latchkey/protocol/errors';
import type { Result } from '@latchkey/protocol/result';
import type { Decision } from './decision.ts';
import type { Moment, Reader } from './ports/reader.ts';
import type { Store } from './ports/store.ts';
import type { Write } from './write.ts';

/** What came of a transaction: the outcome, and the writes that are now on disk. */
export interface Committed<T> {
  readonly outcome: Result<T, ErrorId>;
  /** What a refusal says beside the catalogue. */
  readonly detail?: string;
  readonly writes: readonly Write[];
  /** The store's time and place in which it was decided. */
  readonly moment: Moment;
}

/**
 * Loads, decides and writes as one transaction: the only way that state changes.
 *
 * The store may run this twice when two requests collide; `load` only reads and `decide` is pure, so that is safe.
 * The moment is read before the facts, so the position in it never claims to have seen more than they did.
 */
export function transact<Facts, T>(
  store: Store,
  load: (read: Reader, moment: Moment) => Promise<Facts>,
  decide: (facts: Facts, moment: Moment) => Decision<T>,
): Promise<Committed<T>> {
  return store.transact(async (tx) => {
    const moment = await tx.moment();
    const { outcome, expects, writes, detail } = decide(await load(tx, moment), moment);
    if (writes.length > 0 || expects.length > 0) await tx.apply(expects, writes);
    return { outcome, writes, moment, ...(detail === undefined ? {} : { detail }) };
  });
}
