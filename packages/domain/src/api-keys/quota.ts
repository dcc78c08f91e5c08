import type { ApiKeyId, EpochMilliseconds, EpochSeconds } from '@latchkey/protocol/types';
import { seconds } from '@latchkey/protocol/types';
import { allow, type Decision, refuse } from '../decision.ts';
import type { Moment, Reader } from '../ports/reader.ts';
import type { ApiKey, Quota } from './api-key.ts';
import type { Period } from './period.ts';

/** What is known of a key's quota in the period of now. */
export interface QuotaFacts {
  readonly key: ApiKey;
  /** Uses that were debited, whether they came to pass or not. */
  readonly spent: number;
  /** Leases that may still be closed. */
  readonly openLeases: number;
}

/** Where a key stands with its quota: what the `RateLimit` headers say. */
export interface QuotaState {
  readonly limit: number;
  readonly remaining: number;
  readonly reset: EpochSeconds;
}

/** The period that a moment is in. */
export function periodOf(period: Quota['period'], now: EpochMilliseconds): Period {
  const at = new Date(now);
  const [year, month, day] = [at.getUTCFullYear(), at.getUTCMonth(), at.getUTCDate()];
  const from = (begin: number, end: number): Period => ({
    startsAt: seconds(begin as EpochMilliseconds),
    endsAt: seconds(end as EpochMilliseconds),
  });
  switch (period) {
    case 'hour':
      return from(Date.UTC(year, month, day, at.getUTCHours()), Date.UTC(year, month, day, at.getUTCHours() + 1));
    case 'day':
      return from(Date.UTC(year, month, day), Date.UTC(year, month, day + 1));
    case 'month':
      return from(Date.UTC(year, month), Date.UTC(year, month + 1));
  }
}

/** Reads what a decision on a key's quota looks at; a key without one has spent nothing. */
export async function loadQuota(
  read: Pick<Reader, 'quotaSpent' | 'openLeases'>,
  key: ApiKey,
  { now }: Moment,
): Promise<QuotaFacts> {
  if (key.quota === undefined) return { key, spent: 0, openLeases: 0 };
  const { startsAt } = periodOf(key.quota.period, now);
  return { key, spent: await read.quotaSpent(key.id, startsAt), openLeases: await read.openLeases(key.id) };
}

/** Nothing below nothing: a quota may have been made smaller than what was spent already. */
export const remainingOf = ({ uses }: Quota, spent: number): number => Math.max(0, uses - spent);

/**
 * Decides one use of a key whose uses are counted here and not by a verifier with a lease. It is debited before it is
 * allowed, so that whatever is lost in between is lost to the quota and never overshoots it.
 *
 * @returns `api_key_quota_exhausted`; undefined for a key without a quota
 */
export function decideUse({ key, spent }: QuotaFacts, { now }: Moment): Decision<QuotaState | undefined> {
  const { quota } = key;
  if (quota === undefined) return allow(undefined);
  const remaining = remainingOf(quota, spent);
  if (remaining === 0) return refuse('api_key_quota_exhausted');
  const period = periodOf(quota.period, now);
  const state = { limit: quota.uses, remaining: remaining - 1, reset: period.endsAt };
  return allow(state, [debit(key.id, { quota, period, uses: 1 })]);
}

interface Debited {
  readonly quota: Quota;
  readonly period: Period;
  readonly uses: number;
}

/** Takes uses out of a quota. The store takes them only as long as there are as many. */
export const debit = (apiKey: ApiKeyId, { quota, period, uses }: Debited) =>
  ({ kind: 'quota.debit', apiKey, period, uses, limit: quota.uses }) as const;
