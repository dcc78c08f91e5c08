import type { QuotaStanding } from './leases.ts';
import type { RateBucket } from './rate-bucket.ts';

/** What an answer says of the limits of an API key. */
export interface LimitStanding {
  readonly headers: Readonly<Record<string, string>>;
  /** Seconds until there is a use again, by the limit that is used up. */
  readonly retryAfterSeconds: number;
}

/** An Integer of a structured field holds so much. @spec RFC 9651 §3.3.1 */
const INTEGER_MAX = 999_999_999_999_999;
const integer = (value: number): number => Math.min(INTEGER_MAX, Math.max(0, Math.floor(value)));

/**
 * Words the limits of a key: the quota, and the rate with its window. What is left of the rate is what this verifier
 * knows of its own share.
 *
 * @spec draft-ietf-httpapi-ratelimit-headers-10 §3 (`q`, `w`), §4 (`r`, `t`)
 */
export function limitHeaders(
  quota: QuotaStanding | undefined,
  bucket: RateBucket | undefined,
): LimitStanding | undefined {
  if (quota === undefined && bucket === undefined) return undefined;
  const policies: string[] = [];
  const states: string[] = [];
  let wait = 1;
  if (quota !== undefined) {
    policies.push(`"quota";q=${integer(quota.limit)}`);
    states.push(`"quota";r=${integer(quota.remaining)};t=${integer(quota.resetSeconds)}`);
    if (quota.remaining <= 0) wait = Math.max(wait, quota.resetSeconds);
  }
  if (bucket !== undefined) {
    const { limit, seconds } = bucket.rate;
    policies.push(`"rate";q=${integer(limit)};w=${integer(seconds)}`);
    states.push(`"rate";r=${integer(bucket.remaining())};t=${integer(bucket.fullSeconds())}`);
    wait = Math.max(wait, bucket.waitSeconds());
  }
  return {
    headers: { 'ratelimit-policy': policies.join(', '), ratelimit: states.join(', ') },
    retryAfterSeconds: integer(wait),
  };
}
