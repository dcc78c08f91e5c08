import type { ApiKeyTerms, Lease, ReportAnswer, UsageCount } from '@latchkey/protocol/api-key-terms';
import { LIMITS } from '@latchkey/protocol/limits';
import type { EpochSeconds } from '@latchkey/protocol/types';
import { createElapsed } from './elapsed.ts';
import { type ClosedLease, createLeases, type Leases } from './leases.ts';
import type { Config } from './options.ts';
import { createRateBucket, type RateBucket } from './rate-bucket.ts';
import { type LimitStanding, limitHeaders } from './rate-limit-headers.ts';

/** What of the use of API keys there is to tell. */
export interface Metered {
  readonly usage: readonly UsageCount[];
  readonly closed: readonly ClosedLease[];
  readonly renew: readonly string[];
  readonly active: readonly string[];
}

/** Why a use is not allowed; `wait` while more may be had for the asking. */
export type NoUse = 'api_key_quota_exhausted' | 'api_key_rate_limited' | 'wait' | 'unknown';

/** The uses of API keys: counted, and allowed within their limits. */
export interface Meters {
  /** What the server has just said of a key. */
  learn(id: string, terms: ApiKeyTerms): void;
  /** Whether the limits of a key are known here. */
  has(id: string): boolean;
  /** One use, if it is allowed; undefined when it is. */
  take(id: string, isLimited: boolean): NoUse | undefined;
  /** A request with a known key that was refused. */
  refused(id: string): void;
  /** Whether more uses of a key should be asked for, ahead of need. */
  wantsMore(id: string): boolean;
  limits(id: string): LimitStanding | undefined;
  /** What there is to tell, which is told then; at the end, all leases are over. */
  collect(isEnd: boolean): Metered;
  /** Whether there is anything that can wait for the next report. */
  readonly hasNews: boolean;
  answered(answer: ReportAnswer, asked: readonly string[]): void;
}

interface Meter {
  leases: Leases | undefined;
  bucket: RateBucket | undefined;
  hours: Map<number, { allowed: number; refused: number }>;
  wanted: boolean;
  isActive: boolean;
}

const HOUR = 3_600;
/** Hours of one key that may wait to be told, when the server does not answer: then the oldest are given up. */
const HOURS_MAX = 48;
/** Keys, hours and leases of one report: as many as fit its body beside some refusals. */
const ROWS_PER_REPORT = 500;

type Part = Pick<Config, 'now' | 'monotonic' | 'onEvent'> & {
  /** True where the server counts each use itself. */
  readonly isStrict: boolean;
};

export function createMeters(config: Part, max: number = LIMITS.meteredKeysMax): Meters {
  const meters = new Map<string, Meter>();
  /** Of keys that nobody asks for any more, and of leases that nobody waits for. */
  const orphans: ClosedLease[] = [];
  let hasNews = false;
  const seconds = () => config.now() / 1000;
  /** Leases end by a clock that nobody puts back: one that is over is not good once more. */
  const elapsed = createElapsed(config.now, config.monotonic);

  function open(id: string): Meter | undefined {
    const known = meters.get(id);
    if (known !== undefined) return known;
    if (meters.size >= max && !dropIdle()) {
      config.onEvent({ event: 'usage_lost', reason: 'more API keys in use than are counted' });
      return undefined;
    }
    const meter: Meter = { leases: undefined, bucket: undefined, hours: new Map(), wanted: false, isActive: false };
    meters.set(id, meter);
    return meter;
  }

  /** Makes room: the first meter that has nothing to tell, and was not used since it told. */
  function dropIdle(): boolean {
    for (const [id, meter] of meters) {
      if (meter.isActive || meter.hours.size > 0 || (meter.bucket?.fullSeconds() ?? 0) > 0) continue;
      orphans.push(...(meter.leases?.closed(elapsed(), true) ?? []));
      meters.delete(id);
      return true;
    }
    return false;
  }

  function count(meter: Meter, what: 'allowed' | 'refused'): void {
    if (config.isStrict) return;
    const hour = Math.floor(seconds() / HOUR) * HOUR;
    const counted = meter.hours.get(hour);
    if (counted !== undefined) counted[what] += 1;
    else {
      const [oldest] = meter.hours.keys();
      if (meter.hours.size >= HOURS_MAX && oldest !== undefined) {
        meter.hours.delete(oldest);
        config.onEvent({ event: 'usage_lost', reason: 'the server has not answered for too long' });
      }
      meter.hours.set(hour, { allowed: 0, refused: 0, [what]: 1 });
    }
    meter.isActive = true;
    hasNews = true;
  }

  function use(meter: Meter): NoUse | undefined {
    if (meter.bucket !== undefined && !meter.bucket.has()) return 'api_key_rate_limited';
    if (!config.isStrict && meter.leases !== undefined) {
      const now = elapsed();
      if (!meter.leases.take(now)) return meter.leases.isKnownEmpty(now) ? 'api_key_quota_exhausted' : 'wait';
    }
    meter.bucket?.take();
    count(meter, 'allowed');
    return undefined;
  }

  function grant(lease: Lease): void {
    const meter = meters.get(lease.api_key);
    if (meter === undefined) {
      if (lease.uses > 0) orphans.push({ id: lease.id, used: 0 });
      return;
    }
    meter.leases ??= createLeases();
    const now = elapsed();
    const [until, reset] = [now + lease.until - seconds(), now + lease.reset - seconds()];
    meter.leases.grant({ ...lease, uses: config.isStrict ? 0 : lease.uses, until, reset }, now);
    hasNews = true;
  }

  return {
    learn(id, { rate, lease }) {
      const meter = open(id);
      if (meter === undefined) {
        if (lease !== undefined && lease.uses > 0) orphans.push({ id: lease.id, used: 0 });
        return;
      }
      if (rate === undefined) meter.bucket = undefined;
      else if (meter.bucket === undefined) meter.bucket = createRateBucket(rate, config.monotonic);
      else {
        meter.bucket.change(rate);
        meter.bucket.share(rate.verifiers);
      }
      if (lease !== undefined) grant(lease);
      else if (meter.leases !== undefined) {
        orphans.push(...meter.leases.closed(elapsed(), true)); // the key has no quota any more
        meter.leases = undefined;
      }
    },
    has: (id) => meters.has(id),
    take(id, isLimited) {
      const meter = meters.get(id) ?? (isLimited ? undefined : open(id));
      if (meter === undefined) return isLimited ? 'unknown' : undefined;
      return use(meter);
    },
    refused(id) {
      const meter = meters.get(id);
      if (meter !== undefined) count(meter, 'refused');
    },
    wantsMore(id) {
      const meter = meters.get(id);
      if (meter?.leases === undefined || meter.wanted || !meter.leases.wantsMore(elapsed())) return false;
      meter.wanted = true;
      return true;
    },
    limits(id) {
      const meter = meters.get(id);
      if (meter?.leases === undefined && meter?.bucket === undefined) return undefined;
      return limitHeaders(meter.leases?.standing(elapsed()), meter.bucket);
    },
    collect(isEnd) {
      const usage: UsageCount[] = [];
      const closed: ClosedLease[] = orphans.splice(0, ROWS_PER_REPORT);
      const renew: string[] = [];
      const active: string[] = [];
      hasNews = false;
      let keys = 0;
      for (const [id, meter] of meters) {
        const over = meter.leases?.closed(elapsed(), isEnd) ?? [];
        const isQuiet = over.length === 0 && meter.hours.size === 0 && !meter.wanted;
        if (isQuiet) meter.isActive = false;
        if (isQuiet) continue;
        const rows = Math.max(keys + 1, usage.length + meter.hours.size, closed.length + over.length);
        if (rows > ROWS_PER_REPORT) {
          orphans.push(...over);
          hasNews = true;
          continue;
        }
        keys += 1;
        closed.push(...over);
        for (const [hour, counts] of meter.hours) usage.push({ api_key: id, hour: hour as EpochSeconds, ...counts });
        if (meter.bucket !== undefined) active.push(id);
        if (meter.wanted && !isEnd) renew.push(id);
        meter.hours = new Map();
      }
      return { usage, closed, renew, active };
    },
    get hasNews() {
      if (hasNews || orphans.length > 0) return true;
      for (const { leases } of meters.values()) if (leases?.isHeld === true) return true;
      return false;
    },
    answered({ leases, rates }, asked) {
      for (const lease of leases) grant(lease);
      for (const { api_key, verifiers } of rates) meters.get(api_key)?.bucket?.share(verifiers);
      for (const id of asked) {
        const meter = meters.get(id);
        if (meter === undefined) continue;
        meter.wanted = false;
        if (!leases.some((lease) => lease.api_key === id)) meter.leases?.denied(elapsed());
      }
    },
  };
}
