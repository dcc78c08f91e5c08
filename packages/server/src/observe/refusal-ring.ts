import { LIMITS } from '@latchkey/protocol/limits';
import type { Refusals, RememberedRefusal } from './refusals.ts';

/**
 * The last refusals in memory. An id is the name of its process and a number in base36 behind a random start, so that
 * ids of two runs of a process do not meet.
 */
export function createRefusals(
  name: string,
  entropy: (bytes: number) => Uint8Array,
  max: number = LIMITS.refusalsKept,
): Refusals {
  const own = ring(max);
  const reported = ring(max);
  let last = new DataView(entropy(4).buffer.slice(0, 4)).getUint32(0);
  return {
    name,
    remember(refusal) {
      last += 1;
      const id = `${name}-${last.toString(36)}`;
      own.add({ ...refusal, id });
      return id;
    },
    report(refusals) {
      for (const refusal of refusals) reported.add(refusal);
    },
    find: (id) => own.find(id) ?? reported.find(id),
  };
}

function ring(max: number) {
  const rows = new Map<string, RememberedRefusal>();
  return {
    add(refusal: RememberedRefusal): void {
      if (rows.size >= max) {
        const [oldest] = rows.keys();
        if (oldest !== undefined) rows.delete(oldest);
      }
      rows.set(refusal.id, refusal);
    },
    find: (id: string) => rows.get(id),
  };
}
