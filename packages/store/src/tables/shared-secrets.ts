import type { SharedSecret } from '@latchkey/domain/keys/shared-secret';
import type { EpochMilliseconds, Sealed } from '@latchkey/protocol/types';
import { type Row, sql } from '../sql.ts';
import { bytesIn, id, idIn, millisecondsIn, optional, orNull, textIn } from './columns.ts';

export const sharedSecrets = {
  all: () => sql`SELECT * FROM shared_secrets ORDER BY created_at, kid`,
  insert: (secret: SharedSecret) =>
    sql`INSERT INTO shared_secrets (kid, resource_id, sealed, created_at, active_at, retires_at) VALUES (${secret.kid}, ${id(secret.resourceId)}, ${secret.sealed}, ${secret.createdAt}, ${secret.activeAt}, ${orNull(secret.retiresAt)}) ON CONFLICT DO NOTHING`,
  retire: (kid: string, at: EpochMilliseconds) =>
    sql`UPDATE shared_secrets SET retires_at = ${at} WHERE kid = ${kid} AND retires_at IS NULL`,
  remove: (kid: string) => sql`DELETE FROM shared_secrets WHERE kid = ${kid}`,
  model: (row: Row): SharedSecret => ({
    kid: textIn(row, 'kid'),
    resourceId: idIn(row, 'resource_id', 'res'),
    sealed: bytesIn(row, 'sealed') as Sealed,
    createdAt: millisecondsIn(row, 'created_at'),
    activeAt: millisecondsIn(row, 'active_at'),
    retiresAt: optional(row, 'retires_at', millisecondsIn),
  }),
};
