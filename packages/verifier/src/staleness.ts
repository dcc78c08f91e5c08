import { DURATIONS } from '@latchkey/protocol/limits';

/**
 * How old the knowledge of revocations is, without comparing two clocks: a stream that was asked for at one moment of
 * ours was current at that moment, and each heartbeat says by how much *its* clock has moved on since the first.
 */
export interface Staleness {
  /**
   * A stream is asked for; nothing is known through it before its first heartbeat. What is returned takes each
   * heartbeat's time, and throws when that lags: the server's clock went back or runs behind ours, or the stream is
   * slow. Only a new stream can tell how things stand.
   */
  requested(): (asOf: number) => void;
  /** Milliseconds; infinite before the first complete look at the log. */
  milliseconds(): number;
  /** Whether the log was seen as a whole once. */
  readonly hasSnapshot: boolean;
}

/** A heartbeat that comes with older news than this, in milliseconds, asks for a new stream, whatever the bound. */
const LAG_MAX = 2 * DURATIONS.heartbeatInterval * 1000;

/**
 * @param monotonic milliseconds that never go back
 * @param maxStalenessSeconds the bound: a stream whose lag takes half of it would look stale for as long as it lives
 */
export function createStaleness(monotonic: () => number, maxStalenessSeconds: number): Staleness {
  const lagMax = Math.min(LAG_MAX, maxStalenessSeconds * 500);
  let currentAt: number | undefined;
  return {
    requested() {
      const requestedAt = monotonic();
      let offset: number | undefined;
      return (asOf) => {
        const now = monotonic();
        if (offset !== undefined && now - (asOf + offset) > lagMax) throw new Error('the heartbeats lag');
        // a clock that jumps ahead makes us current as of this moment at best, and is counted from here on
        offset = Math.min(offset ?? requestedAt - asOf, now - asOf);
        currentAt = Math.max(asOf + offset, currentAt ?? asOf + offset);
      };
    },
    milliseconds: () => (currentAt === undefined ? Number.POSITIVE_INFINITY : monotonic() - currentAt),
    get hasSnapshot() {
      return currentAt !== undefined;
    },
  };
}
