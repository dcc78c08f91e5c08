import type { ApiKey, Quota } from '@latchkey/domain/api-keys/api-key';
import type { Ended } from '@latchkey/domain/login/session';
import type { Page } from '@latchkey/domain/ports/reader';
import type { ApiKeyTerms } from '@latchkey/protocol/api-key-terms';
import type {
  AccountId,
  ApiKeyId,
  ClientId,
  EpochMilliseconds,
  ResourceIdentifier,
  Sha256,
} from '@latchkey/protocol/types';
import { type Row, sql } from '../sql.ts';
import {
  id,
  idIn,
  isNull,
  json,
  jsonIn,
  millisecondsIn,
  numberIn,
  optional,
  orNull,
  positionIn,
  textIn,
} from './columns.ts';
import { endedIn } from './ended.ts';

const from = (after: ApiKeyId | undefined): Uint8Array => (after === undefined ? new Uint8Array(0) : id(after));

export const apiKeys = {
  byId: (key: ApiKeyId) => sql`SELECT * FROM api_keys WHERE id = ${id(key)}`,
  ofOwner: (owner: AccountId | ClientId, { after, limit }: Page<ApiKeyId>) =>
    sql`SELECT * FROM api_keys WHERE owner = ${id(owner)} AND owner_kind = ${owner.slice(0, 3)} AND id > ${from(after)} ORDER BY id LIMIT ${limit}`,
  forResource: (resource: ResourceIdentifier, { after, limit }: Page<ApiKeyId>) =>
    sql`SELECT * FROM api_keys WHERE resource = ${resource} AND id > ${from(after)} ORDER BY id LIMIT ${limit}`,
  countLive: (owner: AccountId | ClientId, now: EpochMilliseconds) =>
    sql`SELECT count(*) AS live FROM api_keys WHERE owner = ${id(owner)} AND owner_kind = ${owner.slice(0, 3)} AND ended_at IS NULL AND expires_at > ${now}`,
  insert: (key: ApiKey) =>
    sql`INSERT INTO api_keys (id, version, owner_kind, owner, environment, name, resource, scope, tenant, networks, quota_uses, quota_period, rate_limit, rate_seconds, metadata, secret_hash, previous_hash, previous_until, created_at, expires_at, pos_epoch, pos_seq) VALUES (${id(key.id)}, ${key.version}, ${key.owner.slice(0, 3)}, ${id(key.owner)}, ${key.environment}, ${key.name}, ${key.resource}, ${json(key.scope)}, ${orNull(key.tenant)}, ${json(key.networks)}, ${orNull(key.quota?.uses)}, ${orNull(key.quota?.period)}, ${orNull(key.rate?.limit)}, ${orNull(key.rate?.seconds)}, ${json(key.metadata)}, ${key.secretHash}, ${orNull(key.previous?.hash)}, ${orNull(key.previous?.until)}, ${key.createdAt}, ${key.expiresAt}, ${key.pos.epoch}, ${key.pos.seq})`,
  update: (key: ApiKey) =>
    sql`UPDATE api_keys SET version = ${key.version}, owner_kind = ${key.owner.slice(0, 3)}, owner = ${id(key.owner)}, name = ${key.name}, scope = ${json(key.scope)}, tenant = ${orNull(key.tenant)}, networks = ${json(key.networks)}, quota_uses = ${orNull(key.quota?.uses)}, quota_period = ${orNull(key.quota?.period)}, rate_limit = ${orNull(key.rate?.limit)}, rate_seconds = ${orNull(key.rate?.seconds)}, metadata = ${json(key.metadata)}, secret_hash = ${key.secretHash}, previous_hash = ${orNull(key.previous?.hash)}, previous_until = ${orNull(key.previous?.until)}, expires_at = ${key.expiresAt}, pos_epoch = ${key.pos.epoch}, pos_seq = ${key.pos.seq} WHERE id = ${id(key.id)} AND version = ${key.version - 1} AND ended_at IS NULL`,
  end: (key: ApiKeyId, ended: Ended) =>
    sql`UPDATE api_keys SET version = version + 1, ended_at = ${ended.at}, end_reason = ${ended.reason}, ended_by = ${ended.by} WHERE id = ${id(key)} AND ended_at IS NULL`,
  expire: (before: EpochMilliseconds, limit: number) =>
    sql`DELETE FROM api_keys WHERE id IN (SELECT id FROM api_keys WHERE ended_at < ${before} UNION ALL SELECT id FROM api_keys WHERE expires_at < ${before} LIMIT ${limit})`,
  live: (row: Row): number => numberIn(row, 'live'),
  model: (row: Row): ApiKey => ({
    id: idIn(row, 'id', 'key'),
    version: numberIn(row, 'version'),
    owner: textIn(row, 'owner_kind') === 'cli' ? idIn(row, 'owner', 'cli') : idIn(row, 'owner', 'acc'),
    environment: textIn(row, 'environment') as ApiKeyTerms['environment'],
    name: textIn(row, 'name'),
    resource: textIn(row, 'resource') as ResourceIdentifier,
    scope: jsonIn<readonly string[]>(row, 'scope'),
    tenant: optional(row, 'tenant', textIn),
    networks: jsonIn<readonly string[]>(row, 'networks'),
    quota: isNull(row, 'quota_uses')
      ? undefined
      : { uses: numberIn(row, 'quota_uses'), period: textIn(row, 'quota_period') as Quota['period'] },
    rate: isNull(row, 'rate_limit')
      ? undefined
      : { limit: numberIn(row, 'rate_limit'), seconds: numberIn(row, 'rate_seconds') },
    metadata: jsonIn<ApiKey['metadata']>(row, 'metadata'),
    secretHash: textIn(row, 'secret_hash') as Sha256,
    previous: isNull(row, 'previous_hash')
      ? undefined
      : { hash: textIn(row, 'previous_hash') as Sha256, until: millisecondsIn(row, 'previous_until') },
    createdAt: millisecondsIn(row, 'created_at'),
    expiresAt: millisecondsIn(row, 'expires_at'),
    pos: positionIn(row, 'pos'),
    ended: endedIn(row),
  }),
};
