import type { OwnerSecret } from '@latchkey/domain/clients/client';
import type { ClientId, EpochMilliseconds, ResourceId, SecretId, Sha256 } from '@latchkey/protocol/types';
import { type Row, sql } from '../sql.ts';
import { id, idIn, millisecondsIn, optional, orNull, textIn } from './columns.ts';

export const secrets = {
  ofOwner: (owner: ClientId | ResourceId) =>
    sql`SELECT * FROM secrets WHERE owner = ${id(owner)} AND owner_kind = ${owner.slice(0, 3)} ORDER BY id`,
  insert: (secret: OwnerSecret) =>
    sql`INSERT INTO secrets (id, owner_kind, owner, hash, created_at, expires_at) VALUES (${id(secret.id)}, ${secret.owner.slice(0, 3)}, ${id(secret.owner)}, ${secret.hash}, ${secret.createdAt}, ${orNull(secret.expiresAt)})`,
  expireAt: (secret: SecretId, at: EpochMilliseconds) =>
    sql`UPDATE secrets SET expires_at = ${at} WHERE id = ${id(secret)} AND (expires_at IS NULL OR expires_at > ${at})`,
  remove: (secret: SecretId) => sql`DELETE FROM secrets WHERE id = ${id(secret)}`,
  expire: (before: EpochMilliseconds, limit: number) =>
    sql`DELETE FROM secrets WHERE id IN (SELECT id FROM secrets WHERE expires_at < ${before} LIMIT ${limit})`,
  model: (row: Row): OwnerSecret => ({
    id: idIn(row, 'id', 'sec'),
    owner: textIn(row, 'owner_kind') === 'cli' ? idIn(row, 'owner', 'cli') : idIn(row, 'owner', 'res'),
    hash: textIn(row, 'hash') as Sha256,
    createdAt: millisecondsIn(row, 'created_at'),
    expiresAt: optional(row, 'expires_at', millisecondsIn),
  }),
};
