import type { UsageCount } from '@latchkey/protocol/api-key-terms';
import { DURATIONS, LIMITS } from '@latchkey/protocol/limits';
import {
  type ApiKeyId,
  type EpochMilliseconds,
  type EpochSeconds,
  milliseconds,
  type ResourceId,
} from '@latchkey/protocol/types';

export const HOUR = 3_600;
export const DAY = 86_400;

/** How often a key was used in one hour or one day. Hours become days after a while, and days are kept for a year. */
export interface KeyUsage extends UsageBin {
  readonly apiKey: ApiKeyId;
  readonly resourceId: ResourceId;
  readonly span: UsageSpan;
  /** The last use that was allowed, as exactly as it was told. */
  readonly usedAt: EpochMilliseconds | undefined;
}

export type UsageSpan = 'hour' | 'day';

/** One hour or day, and how often in it. */
export interface UsageBin {
  readonly startsAt: EpochSeconds;
  readonly allowed: number;
  readonly refused: number;
}

/** From a moment up to another, in hours or days. */
export interface UsageRange {
  readonly from: EpochSeconds;
  readonly to: EpochSeconds;
  readonly span: UsageSpan;
}

/** Uses of a key that somebody counted, to be added to those of its hour. */
export interface AddedUsage extends UsageBin {
  readonly apiKey: ApiKeyId;
  readonly resourceId: ResourceId;
  readonly usedAt: EpochMilliseconds | undefined;
}

/**
 * What is believed of a count: an hour that is a whole one, not ahead and not long over, and no more uses than a
 * verifier can have seen. Undefined for what can only be a mistake.
 */
export function believed({ hour, allowed, refused }: Omit<UsageCount, 'api_key'>, now: EpochMilliseconds) {
  const at = now / 1000;
  const isTimely = hour % HOUR === 0 && hour <= at + DURATIONS.usageAhead && hour + HOUR > at - DURATIONS.usageLate;
  const counted = { startsAt: hour, allowed: clamped(allowed), refused: clamped(refused) };
  if (!isTimely || counted.allowed + counted.refused === 0) return undefined;
  const ended = milliseconds((hour + HOUR) as EpochSeconds);
  const usedAt = counted.allowed === 0 ? undefined : (Math.min(now, ended) as EpochMilliseconds);
  return { ...counted, usedAt };
}

const clamped = (uses: number): number => Math.min(Math.max(uses, 0), LIMITS.usesPerReportMax);

/** The same uses by hour or by day, oldest first; spans in which nothing was used are left out. */
export function usageSeries(
  rows: readonly (UsageBin & { readonly span: UsageSpan })[],
  { from, to, span }: UsageRange,
): readonly UsageBin[] {
  const bins = new Map<EpochSeconds, UsageBin>();
  for (const row of rows) {
    if (span === 'hour' && row.span === 'day') continue;
    const startsAt = span === 'day' ? dayOf(row.startsAt) : row.startsAt;
    if (startsAt < from || startsAt >= to) continue;
    const { allowed, refused } = bins.get(startsAt) ?? { allowed: 0, refused: 0 };
    bins.set(startsAt, { startsAt, allowed: allowed + row.allowed, refused: refused + row.refused });
  }
  return [...bins.values()].sort((a, b) => a.startsAt - b.startsAt);
}

/** When the day of a moment began, in UTC. */
export const dayOf = (at: EpochSeconds): EpochSeconds => (at - (at % DAY)) as EpochSeconds;

/** When the hour of a moment began. */
export const hourOf = (at: EpochSeconds): EpochSeconds => (at - (at % HOUR)) as EpochSeconds;
