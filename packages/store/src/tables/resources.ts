import type { MappedClaim, Resource } from '@latchkey/domain/clients/resource';
import type { Page } from '@latchkey/domain/ports/reader';
import type { PublicEncryptionJwk, ResourceAlgorithm } from '@latchkey/protocol/jwk';
import type { ResourceId, ResourceIdentifier } from '@latchkey/protocol/types';
import { type Row, sql } from '../sql.ts';
import { flag, id, idIn, json, jsonIn, millisecondsIn, numberIn, optional, textIn } from './columns.ts';

export const resources = {
  byIdentifier: (identifier: ResourceIdentifier) => sql`SELECT * FROM resources WHERE identifier = ${identifier}`,
  byId: (resource: ResourceId) => sql`SELECT * FROM resources WHERE id = ${id(resource)}`,
  version: (resource: ResourceId) => sql`SELECT version FROM resources WHERE id = ${id(resource)}`,
  page: ({ after, limit }: Page<ResourceId>) =>
    sql`SELECT * FROM resources WHERE id > ${after === undefined ? new Uint8Array(0) : id(after)} ORDER BY id LIMIT ${limit}`,
  insert: (resource: Resource) =>
    sql`INSERT INTO resources (id, version, identifier, audience, name, created_at, scope, algorithm, token_type, access_token_seconds, built_in, format, encryption_key, claims, permissions, access_token_bytes, has_status_list, has_self_service_keys, allow_email_claim) VALUES (${id(resource.id)}, ${resource.version}, ${resource.identifier}, ${resource.audience}, ${resource.name}, ${resource.createdAt}, ${json(resource.scope)}, ${resource.algorithm}, ${resource.tokenType}, ${resource.accessTokenSeconds}, ${flag(resource.builtIn)}, ${resource.format}, ${resource.encryptionKey === undefined ? null : json(resource.encryptionKey)}, ${json(resource.claims)}, ${json(resource.permissions)}, ${resource.accessTokenBytes}, ${flag(resource.hasStatusList)}, ${flag(resource.hasSelfServiceKeys)}, ${flag(resource.allowsEmailClaim)}) ON CONFLICT DO NOTHING`,
  update: (resource: Resource) =>
    sql`UPDATE resources SET version = ${resource.version}, name = ${resource.name}, scope = ${json(resource.scope)}, algorithm = ${resource.algorithm}, token_type = ${resource.tokenType}, access_token_seconds = ${resource.accessTokenSeconds}, format = ${resource.format}, encryption_key = ${resource.encryptionKey === undefined ? null : json(resource.encryptionKey)}, claims = ${json(resource.claims)}, permissions = ${json(resource.permissions)}, access_token_bytes = ${resource.accessTokenBytes}, has_status_list = ${flag(resource.hasStatusList)}, has_self_service_keys = ${flag(resource.hasSelfServiceKeys)}, allow_email_claim = ${flag(resource.allowsEmailClaim)} WHERE id = ${id(resource.id)} AND version = ${resource.version - 1}`,
  model: (row: Row): Resource => ({
    id: idIn(row, 'id', 'res'),
    version: numberIn(row, 'version'),
    identifier: textIn(row, 'identifier') as ResourceIdentifier,
    audience: textIn(row, 'audience'),
    name: textIn(row, 'name'),
    createdAt: millisecondsIn(row, 'created_at'),
    scope: jsonIn<readonly string[]>(row, 'scope'),
    algorithm: textIn(row, 'algorithm') as ResourceAlgorithm,
    tokenType: textIn(row, 'token_type') === 'JWT' ? 'JWT' : 'at+jwt',
    accessTokenSeconds: numberIn(row, 'access_token_seconds'),
    format: formatIn(row),
    encryptionKey: optional(row, 'encryption_key', jsonIn<PublicEncryptionJwk>),
    claims: jsonIn<readonly MappedClaim[]>(row, 'claims'),
    permissions: jsonIn<Resource['permissions']>(row, 'permissions'),
    accessTokenBytes: numberIn(row, 'access_token_bytes'),
    hasStatusList: numberIn(row, 'has_status_list') === 1,
    hasSelfServiceKeys: numberIn(row, 'has_self_service_keys') === 1,
    allowsEmailClaim: numberIn(row, 'allow_email_claim') === 1,
    builtIn: numberIn(row, 'built_in') === 1,
  }),
};

function formatIn(row: Row): Resource['format'] {
  const format = textIn(row, 'format');
  return format === 'jwe' || format === 'opaque' ? format : 'jwt';
}
