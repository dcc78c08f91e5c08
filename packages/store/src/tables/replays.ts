import type { UsedToken } from '@latchkey/domain/tokens/used-token';
import type { EpochMilliseconds, ResourceId, Sha256 } from '@latchkey/protocol/types';
import { sql } from '../sql.ts';
import { id } from './columns.ts';

/** Tokens that were used where they may be used once. */
export const replays = {
  of: (resource: ResourceId, hash: Sha256) =>
    sql`SELECT expires_at FROM replays WHERE resource_id = ${id(resource)} AND hash = ${hash}`,
  insert: ({ resourceId, hash, expiresAt }: UsedToken) =>
    sql`INSERT INTO replays (resource_id, hash, expires_at) VALUES (${id(resourceId)}, ${hash}, ${expiresAt}) ON CONFLICT DO NOTHING`,
  expire: (now: EpochMilliseconds, limit: number) =>
    sql`DELETE FROM replays WHERE (resource_id, hash) IN (SELECT resource_id, hash FROM replays WHERE expires_at <= ${now} LIMIT ${limit})`,
};
