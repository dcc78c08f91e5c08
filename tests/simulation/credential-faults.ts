import type { Decision } from '@latchkey/domain/decision';
import type { Write } from '@latchkey/domain/write';
import type { Fault } from './faults.ts';

// Mistakes about credentials of every kind, each of a sort that a review may miss.

/** Verifiers are not told of events of this kind. */
const untold = (kind: string): Fault => ({
  feed: (feed) => ({
    ...feed,
    subscribe: (from, reader) =>
      feed.subscribe(from, {
        ...reader,
        send(frames) {
          const told = frames.split(/(?<=\n\n)/).filter((frame) => !frame.includes(`"kind":"${kind}"`));
          return told.length === 0 || reader.send(told.join(''));
        },
      }),
  }),
});
export const untoldChanges = untold('changed');
export const untoldKeys = untold('api_key');
export const untoldTokens = untold('token');

const inWrites = (changed: (writes: readonly Write[]) => readonly Write[]): Fault => ({
  decision: (decide) => (facts, moment) => {
    const decided = decide(facts, moment);
    return { ...decided, writes: changed(decided.writes) } satisfies Decision<unknown>;
  },
});

/** Uses are lent, and not taken out of the quota. */
export const freeLeases = inWrites((writes) =>
  writes.some(({ kind }) => kind === 'lease.grant') ? writes.filter(({ kind }) => kind !== 'quota.debit') : writes,
);

/** A lease that is closed gives one more use back than it held unused. */
export const generousClose = inWrites((writes) =>
  writes.map((write) => (write.kind === 'quota.credit' ? { ...write, uses: write.uses + 1 } : write)),
);
