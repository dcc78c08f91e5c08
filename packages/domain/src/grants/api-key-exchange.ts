import type { Actor } from '@latchkey/protocol/claims';
import type { ErrorId } from '@latchkey/protocol/errors';
import { intersect, isSubset, parseScope } from '@latchkey/protocol/scope';
import { TOKEN_EXCHANGE } from '@latchkey/protocol/token-request';
import type { ApiKeyId, EpochMilliseconds, ResourceIdentifier } from '@latchkey/protocol/types';
import type { Role } from '../accounts/account.ts';
import type { AccountMetadata } from '../accounts/metadata.ts';
import { apiKeyAddedClaims } from '../api-keys/added-claims.ts';
import type { ApiKey } from '../api-keys/api-key.ts';
import { type ApiKeyLifelines, apiKeyEnd, loadApiKey } from '../api-keys/life.ts';
import { type Client, isPublic, type ProvedClient } from '../clients/client.ts';
import type { Resource } from '../clients/resource.ts';
import { allow, type Decision, refuse, refuseWith } from '../decision.ts';
import type { Moment, Reader } from '../ports/reader.ts';
import type { AccessGrant, TokenGrant } from '../tokens/access-grant.ts';
import type { HookClaims } from '../tokens/added-claims.ts';
import { isClientLive } from '../tokens/liveness.ts';
import { excessOf } from '../tokens/token-size.ts';

/** What is asked. The secret of the key is proved, and its networks allow the address that asks. */
export interface ApiKeyExchangeCommand {
  readonly key: ProvedKey;
  /** Who exchanges it, where a client authenticated; else the key is all there is. */
  readonly client: ProvedClient | undefined;
  readonly scope: string | undefined;
  readonly resources: readonly ResourceIdentifier[];
  readonly audience: string | undefined;
  readonly issuer: string;
  readonly hookClaims: HookClaims | undefined;
}

/** A key in the version in which its secret was proved, and until when that secret is good. */
interface ProvedKey {
  readonly id: ApiKeyId;
  readonly version: number;
  readonly goodUntil: EpochMilliseconds;
}

export interface ApiKeyExchangeFacts {
  readonly found: ApiKeyLifelines | undefined;
  /** The client that exchanges it. */
  readonly client: Client | undefined;
  readonly resource: Resource | undefined;
  /** Those of the account that owns the key, at the resource. */
  readonly roles: readonly Role[];
  readonly metadata: AccountMetadata | undefined;
}

export async function loadApiKeyExchange(
  read: Reader,
  { key: { id }, client }: Pick<ApiKeyExchangeCommand, 'key' | 'client'>,
): Promise<ApiKeyExchangeFacts> {
  const found = await loadApiKey(read, id);
  const account = found?.account;
  return {
    found,
    client: client === undefined ? undefined : await read.client(client.id),
    resource: found === undefined ? undefined : await read.resource(found.key.resource),
    roles: found === undefined || account === undefined ? [] : await read.roles(account.id, found.key.resource),
    metadata: account === undefined ? undefined : await read.metadata(account.id),
  };
}

/**
 * Decides an access token for an API key: for the key's own resource, for a part of its scopes, with the roles that its
 * owner has now. A client that exchanges it stands in the token as who acts, and may do no more by it than by itself.
 * Nothing is written: the token dies with its key, and has nothing to be renewed by. A test key is not exchanged, since
 * nobody could tell its tokens from those of a live one.
 *
 * @returns `subject_token_wrong`, `subject_token_over`, `subject_token_changed`, `subject_token_environment_refused`,
 *   `client_deleted`, `client_changed`, `grant_type_not_allowed`, `resource_ambiguous`, `resource_unknown`,
 *   `scope_malformed`, `scope_not_allowed`, `access_token_too_large`
 * @spec RFC 8693 §2.1, §2.2 (APK-05)
 */
export function decideApiKeyExchange(
  facts: ApiKeyExchangeFacts,
  command: ApiKeyExchangeCommand,
  moment: Moment,
): Decision<TokenGrant> {
  const { found, client, resource } = facts;
  const { now } = moment;
  if (found === undefined) return refuse('subject_token_wrong');
  const { key } = found;
  if (apiKeyEnd(found, now) !== undefined || now >= command.key.goodUntil) return refuse('subject_token_over');
  if (key.version !== command.key.version) return refuse('subject_token_changed');
  if (key.environment === 'test') return refuse('subject_token_environment_refused');
  const refused = command.client === undefined ? undefined : clientRefused(client, command.client, moment);
  if (refused !== undefined) return refuse(refused);
  if (command.resources.length > 1) return refuse('resource_ambiguous');
  if (resource === undefined || !isMeant(resource, command)) return refuse('resource_unknown');
  if (client !== undefined && !client.resources.includes(resource.identifier)) return refuse('resource_unknown');

  const ofKey = intersect(key.scope, resource.scope);
  const allowed = client === undefined ? ofKey : intersect(ofKey, client.scope);
  const scope = command.scope === undefined ? allowed : parseScope(command.scope);
  if (scope === undefined) return refuse('scope_malformed');
  if (!isSubset(scope, allowed)) return refuse('scope_not_allowed');

  const { roles, metadata } = facts;
  const access: AccessGrant = {
    subject: key.owner,
    clientId: client?.id ?? found.client?.id ?? key.id,
    resource,
    scope,
    ...apiKeyAddedClaims(key, resource, { roles, metadata, hook: command.hookClaims }),
    issuedAt: now,
    pos: moment.position,
    cnf: undefined,
    person: undefined,
    apiKey: { id: key.id, goodUntil: command.key.goodUntil, act: actOf(key, client) },
  };
  const excess = excessOf(access, command.issuer);
  if (excess !== undefined) return refuseWith({ error: 'access_token_too_large', detail: excess });
  return allow({ access, refresh: undefined, identity: undefined });
}

function clientRefused(client: Client | undefined, proved: ProvedClient, { position }: Moment): ErrorId | undefined {
  if (client === undefined || !isClientLive(client, position)) return 'client_deleted';
  if (client.version !== proved.version) return 'client_changed';
  const mayExchange = !isPublic(client) && client.grantTypes.includes(TOKEN_EXCHANGE);
  return mayExchange ? undefined : 'grant_type_not_allowed';
}

/** A key is for one resource, whether a request names it or not. */
function isMeant({ identifier, audience }: Resource, command: ApiKeyExchangeCommand): boolean {
  const [wanted = identifier] = command.resources;
  return wanted === identifier && (command.audience ?? audience) === audience;
}

/** For an account its key acts; a client that is not the owner acts after it. @spec RFC 8693 §4.1 */
function actOf({ id, owner }: ApiKey, client: Client | undefined): Actor | undefined {
  const key = owner.startsWith('cli_') ? undefined : { sub: id };
  if (client === undefined || client.id === owner) return key;
  return { sub: client.id, ...(key === undefined ? {} : { act: key }) };
}
