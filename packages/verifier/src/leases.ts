import type { Lease } from '@latchkey/protocol/api-key-terms';

/** A lease that is over, with what of it was used. */
export interface ClosedLease {
  readonly id: string;
  readonly used: number;
}

/** The leases that a verifier holds of one key. Times are seconds of one clock that never goes back, fractions included. */
export interface Leases {
  /** Takes what the server granted. A lease of no uses says that nothing is left, and when to ask again. */
  grant(lease: LeaseHere, now: number): void;
  /** One use, if there is one. */
  take(now: number): boolean;
  /** Whether more should be asked for before it is needed. */
  wantsMore(now: number): boolean;
  /** Whether the server has just said that nothing is left. */
  isKnownEmpty(now: number): boolean;
  /** The server was asked and granted nothing. */
  denied(now: number): void;
  /** What is over since the last call; all of it at the end. */
  closed(now: number, isEnd: boolean): readonly ClosedLease[];
  /** Whether any lease is held, or is still to be told of. */
  readonly isHeld: boolean;
  /** The quota as a whole, what is left of it as far as is known here, and the seconds until it begins anew. */
  standing(now: number): QuotaStanding | undefined;
}

export interface QuotaStanding {
  readonly limit: number;
  readonly remaining: number;
  readonly resetSeconds: number;
}

/** A lease whose times are those of the holder's own clock. */
export interface LeaseHere extends Omit<Lease, 'until' | 'reset'> {
  readonly until: number;
  readonly reset: number;
}

interface Held extends LeaseHere {
  readonly since: number;
  used: number;
}

/** How many leases of one key are held at a time; one more is given back. */
const HELD_MAX = 4;
/** Leases of which it is remembered that they were granted. */
const REMEMBERED = 16;
/** More is asked for when so much of the uses, or of the time, is gone. */
const SHARE = 0.75;
/** After the server has said that nothing is left, it is asked again no earlier and no later than so, in seconds. */
const EMPTY_MIN = 1;
const EMPTY_MAX = 60;

/**
 * Uses that were debited when they were granted, and are spent here without asking. What is not used goes back when a
 * lease is over; what is lost stays spent. So a quota is never overshot, whatever happens to an answer or a report.
 */
export function createLeases(): Leases {
  let held: Held[] = [];
  let over: ClosedLease[] = [];
  let lately: readonly string[] = [];
  let last: LeaseHere | undefined;
  let emptyUntil = Number.NEGATIVE_INFINITY;

  const isLive = (lease: Held, now: number) => lease.used < lease.uses && now < lease.until;
  const left = (now: number) =>
    held.reduce((sum, lease) => sum + (isLive(lease, now) ? lease.uses - lease.used : 0), 0);

  function settle(now: number): void {
    for (const { id, used } of held.filter((lease) => !isLive(lease, now))) over.push({ id, used });
    held = held.filter((lease) => isLive(lease, now));
  }
  function emptyFor(now: number, seconds: number): void {
    emptyUntil = now + Math.min(EMPTY_MAX, Math.max(EMPTY_MIN, seconds));
  }

  return {
    grant(lease, now) {
      if (lately.includes(lease.id)) return; // an answer that comes twice grants once
      last = lease;
      if (lease.uses === 0) return emptyFor(now, lease.until - now);
      lately = [lease.id, ...lately.slice(0, REMEMBERED - 1)];
      emptyUntil = Number.NEGATIVE_INFINITY;
      if (held.length >= HELD_MAX || now >= lease.until) over.push({ id: lease.id, used: 0 });
      else held.push({ ...lease, since: now, used: 0 });
    },
    take(now) {
      const lease = held.find((one) => isLive(one, now));
      if (lease === undefined) return false;
      lease.used += 1;
      return true;
    },
    wantsMore(now) {
      if (now < emptyUntil) return false;
      const live = held.filter((lease) => isLive(lease, now));
      const newest = live.at(-1);
      if (newest === undefined) return true;
      const uses = live.reduce((sum, lease) => sum + lease.uses, 0);
      const used = live.reduce((sum, lease) => sum + lease.used, 0);
      return used >= uses * SHARE || now - newest.since >= (newest.until - newest.since) * SHARE;
    },
    isKnownEmpty: (now) => now < emptyUntil && left(now) === 0,
    denied: (now) => emptyFor(now, EMPTY_MIN),
    closed(now, isEnd) {
      settle(isEnd ? Number.POSITIVE_INFINITY : now);
      const closed = over;
      over = [];
      return closed;
    },
    get isHeld() {
      return held.length > 0 || over.length > 0;
    },
    standing(now) {
      if (last === undefined) return undefined;
      const { limit, reset } = last;
      const remaining = now < reset ? Math.min(limit, last.remaining + left(now)) : left(now);
      return { limit, remaining, resetSeconds: Math.max(0, Math.ceil(reset - now)) };
    },
  };
}
