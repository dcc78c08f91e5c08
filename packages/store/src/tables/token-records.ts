import type { Page } from '@latchkey/domain/ports/reader';
import type { OpaqueHandle, StatusPlace, TokenRecord } from '@latchkey/domain/tokens/token-record';
import type { AccessTokenClaims } from '@latchkey/protocol/claims';
import type { ApiKeyId, ClientId, EpochMilliseconds, Sha256, TokenId } from '@latchkey/protocol/types';
import { any, one, type Query, type Row, type Step, sql } from '../sql.ts';
import { id, idIn, isNull, json, jsonIn, millisecondsIn, numberIn, optional, orNull, textIn } from './columns.ts';

/**
 * Rows of access tokens. Beside them stands how many each client has, so that a full one is found without counting; each
 * statement that changes rows goes with one that changes their number. Those with a place in a status list are counted by
 * themselves, and none of them goes before its time: the list would say of its token that it is valid.
 */
export const tokenRecords = {
  byJti: (jti: TokenId) => sql`SELECT * FROM token_records WHERE jti = ${id(jti)}`,
  byHandle: (handle: Sha256) => sql`SELECT * FROM token_records WHERE handle = ${handle}`,
  owners: ({ after, limit }: Page<ClientId | ApiKeyId>) =>
    sql`SELECT DISTINCT client_id FROM token_record_counts WHERE client_id > ${after ?? ''} ORDER BY client_id LIMIT ${limit}`,
  listed: (client: ClientId | ApiKeyId) =>
    sql`SELECT records FROM token_record_counts WHERE client_id = ${client} AND is_listed = 1`,
  count: (row: Row): number => numberIn(row, 'records'),
  owner: (row: Row) => textIn(row, 'client_id') as ClientId | ApiKeyId,
  inStatusList: (list: number, { after, limit }: Page<number>) =>
    sql`SELECT * FROM token_records WHERE status_list = ${list} AND status_index > ${after ?? -1} ORDER BY status_index LIMIT ${limit}`,
  record: (record: TokenRecord, max: number): readonly Step[] =>
    record.status === undefined ? recordUnlisted(record, max) : recordListed(record, max),
  forget: (jti: TokenId): readonly Step[] => [
    any(
      sql`UPDATE token_record_counts SET records = records - 1 WHERE (client_id, is_listed) = (SELECT client_id, status_list IS NOT NULL FROM token_records WHERE jti = ${id(jti)})`,
    ),
    any(
      sql`DELETE FROM token_record_counts WHERE records = 0 AND client_id = (SELECT client_id FROM token_records WHERE jti = ${id(jti)})`,
    ),
    any(sql`DELETE FROM token_records WHERE jti = ${id(jti)}`),
  ],
  /** The number first: the rows are still there to be counted. */
  expire: (now: EpochMilliseconds, limit: number): readonly [Query, Query, Query] => [
    sql`UPDATE token_record_counts SET records = records - dead.gone FROM (SELECT client_id, is_listed, COUNT(*) AS gone FROM (SELECT client_id, status_list IS NOT NULL AS is_listed FROM token_records WHERE expires_at <= ${now} ORDER BY expires_at, jti LIMIT ${limit}) AS expired GROUP BY client_id, is_listed) AS dead WHERE token_record_counts.client_id = dead.client_id AND token_record_counts.is_listed = dead.is_listed`,
    sql`DELETE FROM token_record_counts WHERE records = 0 AND client_id IN (SELECT client_id FROM token_records WHERE expires_at <= ${now} ORDER BY expires_at, jti LIMIT ${limit})`,
    sql`DELETE FROM token_records WHERE jti IN (SELECT jti FROM token_records WHERE expires_at <= ${now} ORDER BY expires_at, jti LIMIT ${limit})`,
  ],
  model: (row: Row): TokenRecord => ({
    jti: idIn(row, 'jti', 'tok'),
    opaque: opaqueIn(row),
    clientId: textIn(row, 'client_id') as ClientId | ApiKeyId,
    resourceId: idIn(row, 'resource_id', 'res'),
    status: statusIn(row),
    claims: jsonIn<AccessTokenClaims>(row, 'claims'),
    expiresAt: millisecondsIn(row, 'expires_at'),
  }),
};

/** One more than a client may have takes the place of the one that expires first. */
const recordUnlisted = (record: TokenRecord, max: number): readonly Step[] => [
  one(
    sql`INSERT INTO token_record_counts (client_id, is_listed, records) VALUES (${record.clientId}, 0, 1) ON CONFLICT (client_id, is_listed) DO UPDATE SET records = token_record_counts.records + 1`,
  ),
  any(
    sql`DELETE FROM token_records WHERE jti = (SELECT jti FROM token_records WHERE client_id = ${record.clientId} AND status_list IS NULL ORDER BY expires_at, jti LIMIT 1) AND (SELECT records FROM token_record_counts WHERE client_id = ${record.clientId} AND is_listed = 0) > ${max}`,
  ),
  any(
    sql`UPDATE token_record_counts SET records = records - 1 WHERE client_id = ${record.clientId} AND is_listed = 0 AND records > ${max}`,
  ),
  one(insert(record)),
];

/** One more than a client may have is none. */
const recordListed = (record: TokenRecord, max: number): readonly Step[] => [
  one(
    sql`INSERT INTO token_record_counts (client_id, is_listed, records) VALUES (${record.clientId}, 1, 1) ON CONFLICT (client_id, is_listed) DO UPDATE SET records = token_record_counts.records + 1 WHERE token_record_counts.records < ${max}`,
  ),
  one(insert(record)),
];

const insert = ({ jti, opaque, clientId, resourceId, status, claims, expiresAt }: TokenRecord) =>
  sql`INSERT INTO token_records (jti, handle, mac_key_id, client_id, resource_id, status_list, status_index, claims, expires_at) VALUES (${id(jti)}, ${orNull(opaque?.handle)}, ${orNull(opaque?.macKeyId)}, ${clientId}, ${id(resourceId)}, ${orNull(status?.list)}, ${orNull(status?.index)}, ${json(claims)}, ${expiresAt}) ON CONFLICT DO NOTHING`;

const opaqueIn = (row: Row): OpaqueHandle | undefined =>
  isNull(row, 'handle')
    ? undefined
    : { handle: textIn(row, 'handle') as Sha256, macKeyId: optional(row, 'mac_key_id', numberIn) };

const statusIn = (row: Row): StatusPlace | undefined =>
  isNull(row, 'status_list') ? undefined : { list: numberIn(row, 'status_list'), index: numberIn(row, 'status_index') };
