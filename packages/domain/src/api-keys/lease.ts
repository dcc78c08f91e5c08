import type { Lease } from '@latchkey/protocol/api-key-terms';
import { DURATIONS, LIMITS } from '@latchkey/protocol/limits';
import {
  type EpochMilliseconds,
  type EpochSeconds,
  milliseconds,
  type ResourceId,
  seconds,
} from '@latchkey/protocol/types';
import { allow, type Decision } from '../decision.ts';
import type { Write } from '../write.ts';
import { debit, periodOf, type QuotaFacts, remainingOf } from './quota.ts';
import type { StoredLease } from './stored-lease.ts';

/** Who gets a lease, and under which name. */
export interface LeaseHolder {
  readonly id: string;
  readonly resourceId: ResourceId;
  readonly instance: string;
}

/** What is granted, and what must be written for it to hold. */
export interface GrantedLease {
  readonly lease: Lease;
  readonly writes: readonly Write[];
}

/** So many verifiers can take a share at the same time before the last one finds little. */
const SHARES = 20;
/** A lease of a large quota may be larger than the usual most, up to one part in so many of what remains. */
const LARGE_SHARES = 1_000;

/** How many uses one lease takes: a fair share of what remains, and never so many that a lost one would hurt. */
export function leaseSize(remaining: number): number {
  const most = Math.max(LIMITS.leaseUsesMax, Math.floor(remaining / LARGE_SHARES));
  return Math.min(Math.ceil(remaining / SHARES), most);
}

/**
 * Grants a verifier uses of a key ahead of their use. They are debited in the transaction that grants them, so that
 * the quota is never overshot, whatever is lost after it. When nothing is left, or too many leases are open, it is a
 * lease of no uses, which says when to ask again. Undefined for a key without a quota.
 */
export function grantLease(
  { key, spent, openLeases }: QuotaFacts,
  holder: LeaseHolder,
  now: EpochMilliseconds,
): GrantedLease | undefined {
  const { quota } = key;
  if (quota === undefined) return undefined;
  const period = periodOf(quota.period, now);
  const remaining = remainingOf(quota, spent);
  const uses = openLeases < LIMITS.leasesPerApiKeyMax ? leaseSize(remaining) : 0;
  const wait = uses === 0 ? DURATIONS.leaseAskAgain : DURATIONS.lease;
  const until = Math.min(period.endsAt, seconds(now) + wait) as EpochSeconds;
  const lease = {
    id: holder.id,
    api_key: key.id,
    uses,
    until,
    limit: quota.uses,
    remaining: remaining - uses,
    reset: period.endsAt,
  };
  if (uses === 0) return { lease, writes: [] };
  const stored = { ...holder, apiKey: key.id, startsAt: period.startsAt, uses, until };
  return { lease, writes: [debit(key.id, { quota, period, uses }), { kind: 'lease.grant', lease: stored }] };
}

/** Decides what a verifier is lent that asks about a key. */
export function decideLend(
  facts: QuotaFacts,
  holder: LeaseHolder,
  now: EpochMilliseconds,
): Decision<Lease | undefined> {
  const granted = grantLease(facts, holder, now);
  return allow(granted?.lease, granted?.writes);
}

/**
 * What closing a lease gives back to the period that it was taken from: what of it was not used, never more than it
 * held. Nothing comes back of a lease that was closed too late: by then its uses count as lost.
 */
export function closeLease(lease: StoredLease, used: number, now: EpochMilliseconds): readonly Write[] {
  if (isLeaseLost(lease, now)) return [];
  const close = { kind: 'lease.close', id: lease.id } as const;
  const uses = lease.uses - Math.min(Math.max(used, 0), lease.uses);
  if (uses === 0) return [close];
  return [close, { kind: 'quota.credit', apiKey: lease.apiKey, startsAt: lease.startsAt, uses }];
}

/** Whether nobody may close it any more: a while after it ended, in which reports may be late. */
export const isLeaseLost = ({ until }: Pick<StoredLease, 'until'>, now: EpochMilliseconds): boolean =>
  now >= milliseconds(until) + DURATIONS.leaseGrace * 1000;
