import type { StoredLease } from '@latchkey/domain/api-keys/stored-lease';
import type { ApiKeyId, EpochSeconds } from '@latchkey/protocol/types';
import { type Row, sql } from '../sql.ts';
import { id, idIn, numberIn, secondsIn, textIn } from './columns.ts';

export const apiKeyLeases = {
  byId: (lease: string) => sql`SELECT * FROM api_key_leases WHERE id = ${lease}`,
  open: (key: ApiKeyId) => sql`SELECT count(*) AS open FROM api_key_leases WHERE api_key = ${id(key)}`,
  insert: (lease: StoredLease) =>
    sql`INSERT INTO api_key_leases (id, api_key, resource_id, instance, starts_at, uses, until) VALUES (${lease.id}, ${id(lease.apiKey)}, ${id(lease.resourceId)}, ${lease.instance}, ${lease.startsAt}, ${lease.uses}, ${lease.until}) ON CONFLICT (id) DO NOTHING`,
  remove: (lease: string) => sql`DELETE FROM api_key_leases WHERE id = ${lease}`,
  /** Leases that ended before this time: nobody may close them any more. */
  expire: (before: EpochSeconds, limit: number) =>
    sql`DELETE FROM api_key_leases WHERE id IN (SELECT id FROM api_key_leases WHERE until < ${before} LIMIT ${limit})`,
  count: (row: Row): number => numberIn(row, 'open'),
  model: (row: Row): StoredLease => ({
    id: textIn(row, 'id'),
    apiKey: idIn(row, 'api_key', 'key'),
    resourceId: idIn(row, 'resource_id', 'res'),
    instance: textIn(row, 'instance'),
    startsAt: secondsIn(row, 'starts_at'),
    uses: numberIn(row, 'uses'),
    until: secondsIn(row, 'until'),
  }),
};
