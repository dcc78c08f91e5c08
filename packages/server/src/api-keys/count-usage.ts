import { hourOf } from '@latchkey/domain/api-keys/usage';
import { allow } from '@latchkey/domain/decision';
import { LIMITS } from '@latchkey/protocol/limits';
import { type ApiKeyId, type EpochMilliseconds, type ResourceId, seconds } from '@latchkey/protocol/types';
import type { Server } from '../server.ts';
import type { CountedUse, UsageCounter } from './usage-counter.ts';

interface Counted {
  readonly apiKey: ApiKeyId;
  readonly resourceId: ResourceId;
  readonly startsAt: ReturnType<typeof hourOf>;
  allowed: number;
  refused: number;
  usedAt: EpochMilliseconds | undefined;
}

/** Counts that one transaction writes. */
const WRITES = 500;

/** @param max keys and hours that may wait; beyond it uses are not counted, and the log says so */
export function createUsageCounter(
  { commit, now, log }: Pick<Server, 'commit' | 'now' | 'log'>,
  max: number = LIMITS.keysCountedMax,
): UsageCounter {
  const counts = new Map<string, Counted>();
  let isFull = false;

  function countOf({ apiKey, resourceId }: CountedUse, at: EpochMilliseconds): Counted | undefined {
    const startsAt = hourOf(seconds(at));
    const name = `${apiKey} ${startsAt}`;
    const known = counts.get(name);
    if (known !== undefined) return known;
    if (counts.size >= max) return undefined;
    const made = { apiKey, resourceId, startsAt, allowed: 0, refused: 0, usedAt: undefined };
    counts.set(name, made);
    return made;
  }

  return {
    count(use) {
      const at = now();
      const counted = countOf(use, at);
      if (counted === undefined) {
        if (!isFull) log.warn('uses of API keys are not counted: too many keys are in use', { count: counts.size });
        isFull = true;
        return;
      }
      counted[use.isAllowed ? 'allowed' : 'refused'] += 1;
      if (use.isAllowed) counted.usedAt = at;
    },
    async flush() {
      while (counts.size > 0) {
        const batch = [...counts].slice(0, WRITES);
        for (const [name] of batch) counts.delete(name);
        try {
          const writes = batch.map(([, usage]) => ({ kind: 'usage.add', usage }) as const);
          await commit(
            () => Promise.resolve(),
            () => allow(undefined, writes),
          );
        } catch (error) {
          for (const [name, row] of batch) counts.set(name, together(row, counts.get(name)));
          throw error;
        }
      }
      isFull = false;
    },
  };
}

/** What could not be written, and what was counted meanwhile. */
const together = (before: Counted, since: Counted | undefined): Counted =>
  since === undefined
    ? before
    : {
        ...before,
        allowed: before.allowed + since.allowed,
        refused: before.refused + since.refused,
        usedAt: since.usedAt ?? before.usedAt,
      };
