import { randomFillSync } from 'node:crypto';

const POOL_BYTES = 4_096;
/** More than this is asked for directly. */
const POOLED_MAX = 256;

/**
 * Random bytes of the operating system. They are drawn many at a time, since a call costs as much as a signature's
 * tenth; bytes that were handed out are wiped, so that no secret stays behind in the pool.
 */
export function createEntropy(): (bytes: number) => Uint8Array {
  const pool = new Uint8Array(POOL_BYTES);
  let used = POOL_BYTES;
  return (bytes) => {
    if (bytes > POOLED_MAX) return randomFillSync(new Uint8Array(bytes));
    if (used + bytes > POOL_BYTES) {
      randomFillSync(pool);
      used = 0;
    }
    const drawn = pool.slice(used, used + bytes);
    pool.fill(0, used, used + bytes);
    used += bytes;
    return drawn;
  };
}
