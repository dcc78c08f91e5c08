/**
 * How old the knowledge of revocations is, without comparing two clocks: a stream that was asked for at one moment of
 * ours was current at that moment, and each heartbeat says by how much *its* clock has moved on since the first.
 */
export interface Staleness {
  /** A stream is asked for; nothing is known through it before its first heartbeat. */
  requested(): (asOf: number) => void;
  /** Milliseconds; infinite before the first complete look at the log. */
  milliseconds(): number;
  /** Whether the log was seen as a whole once. */
  readonly hasSnapshot: boolean;
}

/** @param monotonic milliseconds that never go back */
export function createStaleness(monotonic: () => number): Staleness {
  let currentAt: number | undefined;
  return {
    requested() {
      const requestedAt = monotonic();
      let firstAsOf: number | undefined;
      return (asOf) => {
        firstAsOf ??= asOf;
        // a node whose clock jumps ahead does not make us more current than this moment
        const at = Math.min(requestedAt + (asOf - firstAsOf), monotonic());
        currentAt = Math.max(at, currentAt ?? at);
      };
    },
    milliseconds: () => (currentAt === undefined ? Number.POSITIVE_INFINITY : monotonic() - currentAt),
    get hasSnapshot() {
      return currentAt !== undefined;
    },
  };
}
