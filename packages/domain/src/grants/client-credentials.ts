import { intersect, isSubset, parseScope, type Scope } from '@latchkey/protocol/scope';
import type { ResourceIdentifier } from '@latchkey/protocol/types';
import { type Client, isPublic, type ProvedClient } from '../clients/client.ts';
import type { Resource } from '../clients/resource.ts';
import { allow, type Decision, refuse, refuseWith } from '../decision.ts';
import type { Moment, Reader } from '../ports/reader.ts';
import type { AccessGrant, TokenGrant } from '../tokens/access-grant.ts';
import { addedClaims, type HookClaims } from '../tokens/added-claims.ts';
import { isClientLive } from '../tokens/liveness.ts';
import { excessOf } from '../tokens/token-size.ts';

export interface ClientCredentialsCommand {
  readonly client: ProvedClient;
  readonly scope: string | undefined;
  readonly resources: readonly ResourceIdentifier[];
  readonly issuer: string;
  readonly hookClaims: HookClaims | undefined;
}

export interface ClientCredentialsFacts {
  readonly client: Client | undefined;
  readonly resource: Resource | undefined;
}

export async function loadClientCredentials(
  read: Reader,
  command: ClientCredentialsCommand,
): Promise<ClientCredentialsFacts> {
  const client = await read.client(command.client.id);
  const identifier = command.resources[0] ?? client?.resources[0];
  return { client, resource: identifier === undefined ? undefined : await read.resource(identifier) };
}

/**
 * Decides a machine token: for a confidential client, one resource, and scopes that both know. It writes nothing, since
 * such a token has no family: it is revoked by its `jti`, its client or its key.
 *
 * @returns `client_deleted`, `client_changed`, `grant_type_not_allowed`, `resource_ambiguous`, `resource_unknown`,
 *   `scope_malformed`, `scope_not_allowed`, `access_token_too_large`
 * @spec RFC 6749 §4.4, RFC 8707 §2
 */
export function decideClientCredentials(
  { client, resource }: ClientCredentialsFacts,
  command: ClientCredentialsCommand,
  moment: Moment,
): Decision<TokenGrant> {
  if (client === undefined || !isClientLive(client, moment.position)) return refuse('client_deleted');
  if (client.version !== command.client.version) return refuse('client_changed');
  if (isPublic(client) || !client.grantTypes.includes('client_credentials')) return refuse('grant_type_not_allowed');
  if (command.resources.length > 1) return refuse('resource_ambiguous');
  if (resource === undefined || !client.resources.includes(resource.identifier)) return refuse('resource_unknown');

  const allowed = intersect(client.scope, resource.scope);
  const scope: Scope | undefined = command.scope === undefined ? allowed : parseScope(command.scope);
  if (scope === undefined) return refuse('scope_malformed');
  if (!isSubset(scope, allowed)) return refuse('scope_not_allowed');

  const access: AccessGrant = {
    subject: client.id,
    clientId: client.id,
    resource,
    scope,
    ...addedClaims(resource, { roles: [], metadata: undefined, hook: command.hookClaims }),
    issuedAt: moment.now,
    pos: moment.position,
    cnf: undefined,
    person: undefined,
    apiKey: undefined,
  };
  const excess = excessOf(access, command.issuer);
  if (excess !== undefined) return refuseWith({ error: 'access_token_too_large', detail: excess });
  return allow({ access, refresh: undefined, identity: undefined });
}
