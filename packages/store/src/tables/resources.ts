import type { Resource } from '@latchkey/domain/clients/resource';
import type { Page } from '@latchkey/domain/ports/reader';
import type { SigningAlgorithm } from '@latchkey/protocol/jwk';
import type { ResourceId, ResourceIdentifier } from '@latchkey/protocol/types';
import { type Row, sql } from '../sql.ts';
import { flag, id, idIn, json, jsonIn, millisecondsIn, numberIn, textIn } from './columns.ts';

export const resources = {
  byIdentifier: (identifier: ResourceIdentifier) => sql`SELECT * FROM resources WHERE identifier = ${identifier}`,
  byId: (resource: ResourceId) => sql`SELECT * FROM resources WHERE id = ${id(resource)}`,
  version: (resource: ResourceId) => sql`SELECT version FROM resources WHERE id = ${id(resource)}`,
  page: ({ after, limit }: Page<ResourceId>) =>
    sql`SELECT * FROM resources WHERE id > ${after === undefined ? new Uint8Array(0) : id(after)} ORDER BY id LIMIT ${limit}`,
  insert: (resource: Resource) =>
    sql`INSERT INTO resources (id, version, identifier, audience, name, created_at, scope, algorithm, token_type, access_token_seconds, built_in) VALUES (${id(resource.id)}, ${resource.version}, ${resource.identifier}, ${resource.audience}, ${resource.name}, ${resource.createdAt}, ${json(resource.scope)}, ${resource.algorithm}, ${resource.tokenType}, ${resource.accessTokenSeconds}, ${flag(resource.builtIn)}) ON CONFLICT DO NOTHING`,
  model: (row: Row): Resource => ({
    id: idIn(row, 'id', 'res'),
    version: numberIn(row, 'version'),
    identifier: textIn(row, 'identifier') as ResourceIdentifier,
    audience: textIn(row, 'audience'),
    name: textIn(row, 'name'),
    createdAt: millisecondsIn(row, 'created_at'),
    scope: jsonIn<readonly string[]>(row, 'scope'),
    algorithm: textIn(row, 'algorithm') as SigningAlgorithm,
    tokenType: textIn(row, 'token_type') === 'JWT' ? 'JWT' : 'at+jwt',
    accessTokenSeconds: numberIn(row, 'access_token_seconds'),
    builtIn: numberIn(row, 'built_in') === 1,
  }),
};
