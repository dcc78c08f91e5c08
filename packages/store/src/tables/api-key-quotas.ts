import type { Write } from '@latchkey/domain/write';
import type { ApiKeyId, EpochSeconds } from '@latchkey/protocol/types';
import { type Row, sql } from '../sql.ts';
import { id, numberIn } from './columns.ts';

export const apiKeyQuotas = {
  spent: (key: ApiKeyId, startsAt: EpochSeconds) =>
    sql`SELECT spent FROM api_key_quotas WHERE api_key = ${id(key)} AND starts_at = ${startsAt}`,
  /** Never more than there is: no row is made or changed then. */
  debit: ({ apiKey, period, uses, limit }: Extract<Write, { kind: 'quota.debit' }>) =>
    sql`INSERT INTO api_key_quotas (api_key, starts_at, ends_at, spent) SELECT ${id(apiKey)}, ${period.startsAt}, ${period.endsAt}, ${uses} WHERE ${uses} <= ${limit} ON CONFLICT (api_key, starts_at) DO UPDATE SET spent = spent + excluded.spent, ends_at = max(ends_at, excluded.ends_at) WHERE spent + excluded.spent <= ${limit}`,
  credit: ({ apiKey, startsAt, uses }: Extract<Write, { kind: 'quota.credit' }>) =>
    sql`UPDATE api_key_quotas SET spent = spent - ${uses} WHERE api_key = ${id(apiKey)} AND starts_at = ${startsAt} AND spent >= ${uses}`,
  /** Periods that were over before this time. */
  expire: (before: EpochSeconds, limit: number) =>
    sql`DELETE FROM api_key_quotas WHERE (api_key, starts_at) IN (SELECT api_key, starts_at FROM api_key_quotas WHERE ends_at < ${before} LIMIT ${limit})`,
  model: (row: Row): number => numberIn(row, 'spent'),
};
