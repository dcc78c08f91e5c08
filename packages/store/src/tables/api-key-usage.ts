import type { AddedUsage, KeyUsage, UsageBin, UsageSpan } from '@latchkey/domain/api-keys/usage';
import { LIMITS } from '@latchkey/protocol/limits';
import type { ApiKeyId, EpochMilliseconds, EpochSeconds, ResourceId } from '@latchkey/protocol/types';
import { type Query, type Row, sql } from '../sql.ts';
import { id, idIn, millisecondsIn, numberIn, optional, orNull, secondsIn, textIn } from './columns.ts';

const spanIn = (row: Row): UsageSpan => (textIn(row, 'span') === 'day' ? 'day' : 'hour');

/** Whose uses a row counts: a key's, or those of all keys of a resource together. */
type Counted = ApiKeyId | ResourceId;
const kindOf = (counted: Counted): string => counted.slice(0, 3);

export const apiKeyUsage = {
  of: (counted: Counted, from: EpochSeconds, to: EpochSeconds) =>
    sql`SELECT * FROM api_key_usage WHERE id = ${id(counted)} AND kind = ${kindOf(counted)} AND starts_at >= ${from} AND starts_at < ${to} ORDER BY starts_at, span`,
  /** Of the newest counts only: a resource may have many keys, and whoever asks this must not hold up requests. */
  mostUsed: (resource: ResourceId, from: EpochSeconds, to: EpochSeconds, limit: number) =>
    sql`SELECT id, sum(allowed) AS allowed, sum(refused) AS refused FROM (SELECT id, allowed, refused FROM api_key_usage WHERE resource_id = ${id(resource)} AND kind = 'key' AND starts_at >= ${from} AND starts_at < ${to} ORDER BY starts_at DESC LIMIT ${LIMITS.usageRowsMax}) AS newest GROUP BY id ORDER BY sum(allowed) DESC, id LIMIT ${limit}`,
  lastUse: (key: ApiKeyId) =>
    sql`SELECT used_at FROM api_key_usage WHERE id = ${id(key)} AND kind = 'key' AND used_at IS NOT NULL ORDER BY starts_at DESC, used_at DESC LIMIT 1`,
  add: (counted: Counted, usage: AddedUsage) =>
    sql`INSERT INTO api_key_usage (id, kind, span, starts_at, resource_id, allowed, refused, used_at) VALUES (${id(counted)}, ${kindOf(counted)}, 'hour', ${usage.startsAt}, ${id(usage.resourceId)}, ${usage.allowed}, ${usage.refused}, ${orNull(usage.usedAt)}) ON CONFLICT (id, kind, starts_at, span) DO UPDATE SET allowed = allowed + excluded.allowed, refused = refused + excluded.refused, used_at = CASE WHEN excluded.used_at > used_at OR used_at IS NULL THEN excluded.used_at ELSE used_at END`,
  /** Adds the oldest hours before this time to their days; `removeHours` with the same values takes them away. */
  addToDays: (before: EpochSeconds, limit: number) =>
    sql`INSERT INTO api_key_usage (id, kind, span, starts_at, resource_id, allowed, refused, used_at) SELECT id, kind, 'day', starts_at - starts_at % 86400, min(resource_id), sum(allowed), sum(refused), max(used_at) FROM (SELECT * FROM api_key_usage WHERE span = 'hour' AND starts_at < ${before} ORDER BY starts_at, id, kind LIMIT ${limit}) AS hours GROUP BY id, kind, starts_at - starts_at % 86400 ON CONFLICT (id, kind, starts_at, span) DO UPDATE SET allowed = allowed + excluded.allowed, refused = refused + excluded.refused, used_at = CASE WHEN excluded.used_at > used_at OR used_at IS NULL THEN excluded.used_at ELSE used_at END`,
  removeHours: (before: EpochSeconds, limit: number) =>
    sql`DELETE FROM api_key_usage WHERE (id, kind, starts_at, span) IN (SELECT id, kind, starts_at, span FROM api_key_usage WHERE span = 'hour' AND starts_at < ${before} ORDER BY starts_at, id, kind LIMIT ${limit})`,
  /** Makes days of the oldest hours; the last statement says how many hours went. */
  rollUp: (before: EpochSeconds, limit: number): readonly Query[] => [
    apiKeyUsage.addToDays(before, limit),
    apiKeyUsage.removeHours(before, limit),
  ],
  expireDays: (before: EpochSeconds, limit: number) =>
    sql`DELETE FROM api_key_usage WHERE (id, kind, starts_at, span) IN (SELECT id, kind, starts_at, span FROM api_key_usage WHERE span = 'day' AND starts_at < ${before} LIMIT ${limit})`,
  usedAt: (row: Row): EpochMilliseconds => millisecondsIn(row, 'used_at'),
  total: (row: Row) => ({
    apiKey: idIn(row, 'id', 'key'),
    allowed: numberIn(row, 'allowed'),
    refused: numberIn(row, 'refused'),
  }),
  bin: (row: Row): UsageBin & { readonly span: UsageSpan } => ({
    span: spanIn(row),
    startsAt: secondsIn(row, 'starts_at'),
    allowed: numberIn(row, 'allowed'),
    refused: numberIn(row, 'refused'),
  }),
  model: (row: Row): KeyUsage => ({
    apiKey: idIn(row, 'id', 'key'),
    resourceId: idIn(row, 'resource_id', 'res'),
    span: spanIn(row),
    startsAt: secondsIn(row, 'starts_at'),
    allowed: numberIn(row, 'allowed'),
    refused: numberIn(row, 'refused'),
    usedAt: optional(row, 'used_at', millisecondsIn),
  }),
};
