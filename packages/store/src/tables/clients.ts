import type { Client, ClientAuthenticationMethod, GrantType } from '@latchkey/domain/clients/client';
import type { Page } from '@latchkey/domain/ports/reader';
import type { SigningAlgorithm } from '@latchkey/protocol/jwk';
import type { ClientId, EpochMilliseconds, ResourceIdentifier } from '@latchkey/protocol/types';
import { type Row, sql } from '../sql.ts';
import {
  flag,
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

export const clients = {
  byId: (client: ClientId) => sql`SELECT * FROM clients WHERE id = ${id(client)}`,
  version: (client: ClientId) => sql`SELECT version FROM clients WHERE id = ${id(client)}`,
  page: ({ after, limit }: Page<ClientId>) =>
    sql`SELECT * FROM clients WHERE id > ${after === undefined ? new Uint8Array(0) : id(after)} ORDER BY id LIMIT ${limit}`,
  firstParty: () => sql`SELECT * FROM clients WHERE first_party = 1 AND deleted_at IS NULL LIMIT 2`,
  insert: (client: Client) =>
    sql`INSERT INTO clients (id, version, name, created_at, authentication, first_party, grant_types, scope, resources, origins, refresh_policy, overlap_ms, application_type, redirect_uris, post_logout_redirect_uris, backchannel_logout_uri, backchannel_logout_session_required, sector, requires_pkce, id_token_algorithm, scope_claims_in_id_token) VALUES (${id(client.id)}, ${client.version}, ${client.name}, ${client.createdAt}, ${client.authentication}, ${flag(client.firstParty)}, ${json(client.grantTypes)}, ${json(client.scope)}, ${json(client.resources)}, ${json(client.origins)}, ${client.refreshPolicy}, ${orNull(client.overlapMilliseconds)}, ${client.applicationType}, ${json(client.redirectUris)}, ${json(client.postLogoutRedirectUris)}, ${orNull(client.backchannelLogoutUri)}, ${flag(client.backchannelLogoutSessionRequired)}, ${orNull(client.sector)}, ${flag(client.requiresPkce)}, ${client.idTokenAlgorithm}, ${flag(client.hasScopeClaimsInIdToken)})`,
  remove: (client: ClientId, at: EpochMilliseconds) =>
    sql`UPDATE clients SET deleted_at = ${at}, version = version + 1 WHERE id = ${id(client)} AND deleted_at IS NULL`,
  cutOff: (client: ClientId) =>
    sql`UPDATE clients SET cutoff_epoch = (SELECT epoch FROM state), cutoff_seq = (SELECT seq FROM state), version = version + 1 WHERE id = ${id(client)}`,
  /** Deleted for so long that no event of it is kept, and no family points to it. */
  expire: (before: EpochMilliseconds, limit: number) =>
    sql`DELETE FROM clients WHERE id IN (SELECT c.id FROM clients c WHERE c.deleted_at < ${before} AND NOT EXISTS (SELECT 1 FROM families f WHERE f.client_id = c.id) AND NOT EXISTS (SELECT 1 FROM consents s WHERE s.client_id = c.id) LIMIT ${limit})`,
  model: (row: Row): Client => ({
    id: idIn(row, 'id', 'cli'),
    version: numberIn(row, 'version'),
    name: textIn(row, 'name'),
    createdAt: millisecondsIn(row, 'created_at'),
    deletedAt: optional(row, 'deleted_at', millisecondsIn),
    authentication: textIn(row, 'authentication') as ClientAuthenticationMethod,
    firstParty: numberIn(row, 'first_party') === 1,
    grantTypes: jsonIn<readonly GrantType[]>(row, 'grant_types'),
    scope: jsonIn<readonly string[]>(row, 'scope'),
    resources: jsonIn<readonly ResourceIdentifier[]>(row, 'resources'),
    origins: jsonIn<readonly string[]>(row, 'origins'),
    applicationType: textIn(row, 'application_type') === 'native' ? 'native' : 'web',
    redirectUris: jsonIn<readonly string[]>(row, 'redirect_uris'),
    postLogoutRedirectUris: jsonIn<readonly string[]>(row, 'post_logout_redirect_uris'),
    backchannelLogoutUri: optional(row, 'backchannel_logout_uri', textIn),
    backchannelLogoutSessionRequired: numberIn(row, 'backchannel_logout_session_required') === 1,
    sector: optional(row, 'sector', textIn),
    requiresPkce: numberIn(row, 'requires_pkce') === 1,
    idTokenAlgorithm: textIn(row, 'id_token_algorithm') as SigningAlgorithm,
    hasScopeClaimsInIdToken: numberIn(row, 'scope_claims_in_id_token') === 1,
    refreshPolicy: textIn(row, 'refresh_policy') === 'keep' ? 'keep' : 'rotate',
    overlapMilliseconds: optional(row, 'overlap_ms', numberIn),
    cutOff: isNull(row, 'cutoff_epoch') ? undefined : positionIn(row, 'cutoff'),
  }),
};
