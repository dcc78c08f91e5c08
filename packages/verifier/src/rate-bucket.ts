import type { RateLimit } from '@latchkey/protocol/api-key-terms';

/** How fast a key may be used here: its share of a limit that all verifiers keep together. */
export interface RateBucket {
  readonly rate: RateLimit;
  /** Whether a use is allowed now. */
  has(): boolean;
  take(): void;
  /** Among how many verifiers the limit is shared; what is already here is cut to the new share, never raised. */
  share(verifiers: number): void;
  /** Another limit: the key was changed. */
  change(rate: RateLimit): void;
  remaining(): number;
  /** Whole seconds until there is a use again. */
  waitSeconds(): number;
  /** Whole seconds until the whole share is there again. */
  fullSeconds(): number;
}

/**
 * A bucket that holds a share of the limit and fills at its pace. So over any time, all verifiers together allow the
 * limit and what the pace adds; and while one of them does not know yet that they are more, its share for as long.
 *
 * @param monotonic milliseconds that never go back
 */
export function createRateBucket(
  first: RateLimit & { readonly verifiers: number },
  monotonic: () => number,
): RateBucket {
  let rate: RateLimit = { limit: first.limit, seconds: first.seconds };
  let { verifiers } = first;
  let filledAt = monotonic();
  /** At least one, else a limit below the number of verifiers would be none at all. */
  const capacity = () => Math.max(1, rate.limit / verifiers);
  const perMillisecond = () => rate.limit / verifiers / (rate.seconds * 1000);
  let tokens = capacity();

  function fill(): void {
    const now = monotonic();
    tokens = Math.min(capacity(), tokens + (now - filledAt) * perMillisecond());
    filledAt = now;
  }

  return {
    get rate() {
      return rate;
    },
    has() {
      fill();
      return tokens >= 1;
    },
    take() {
      tokens -= 1;
    },
    share(count) {
      fill();
      verifiers = count;
      tokens = Math.min(tokens, capacity());
    },
    change({ limit, seconds }) {
      fill();
      rate = { limit, seconds };
      tokens = Math.min(tokens, capacity());
    },
    remaining() {
      fill();
      return Math.floor(tokens);
    },
    waitSeconds() {
      fill();
      return tokens >= 1 ? 0 : Math.max(1, Math.ceil((1 - tokens) / perMillisecond() / 1000));
    },
    fullSeconds() {
      fill();
      return Math.ceil((capacity() - tokens) / perMillisecond() / 1000);
    },
  };
}
