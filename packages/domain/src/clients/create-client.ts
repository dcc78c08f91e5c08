import { LIMITS } from '@latchkey/protocol/limits';
import { commonHost, isCallableUri, isRegistrableRedirectUri } from '@latchkey/protocol/redirect-uri';
import { fail, ok, type Result } from '@latchkey/protocol/result';
import { isIdentityScope, isScopeName, type Scope } from '@latchkey/protocol/scope';
import { TOKEN_EXCHANGE } from '@latchkey/protocol/token-request';
import type { ClientId, ResourceIdentifier } from '@latchkey/protocol/types';
import { type Administrator, mayGive } from '../administration/scopes.ts';
import { allow, type Decision, refuse } from '../decision.ts';
import type { ClientReader, Moment } from '../ports/reader.ts';
import type { Write } from '../write.ts';
import type { Client } from './client.ts';
import { isRegistrableOrigin } from './origin.ts';
import type { Resource } from './resource.ts';
import { type NewSecret, storedSecret } from './secret.ts';

/** By what a client is to know people. A sector identifier document was fetched beforehand. */
export type WantedSubjects =
  | { readonly type: 'public' }
  | { readonly type: 'pairwise'; readonly document: SectorDocument | undefined };

/** Whose it is, and the redirect URIs that it lists. @spec OIDC Registration §5 */
export interface SectorDocument {
  readonly host: string;
  readonly redirectUris: readonly string[];
}

/** What an administrator wants of a new client. Of its secret there is only the hash. */
export interface CreateClientCommand
  extends Pick<
    Client,
    | 'name'
    | 'authentication'
    | 'firstParty'
    | 'grantTypes'
    | 'origins'
    | 'applicationType'
    | 'redirectUris'
    | 'postLogoutRedirectUris'
    | 'backchannelLogoutUri'
    | 'backchannelLogoutSessionRequired'
    | 'requiresPkce'
    | 'idTokenAlgorithm'
    | 'hasScopeClaimsInIdToken'
    | 'refreshPolicy'
    | 'overlapMilliseconds'
  > {
  readonly administrator: Administrator;
  readonly id: ClientId;
  readonly scope: Scope;
  readonly resources: readonly string[];
  readonly subjects: WantedSubjects;
  /** Used only where the client authenticates with a secret. */
  readonly secret: NewSecret;
  /** The audience of the admin API. */
  readonly adminApi: string;
  /** Origins on the operator's own network that this server may fetch from. */
  readonly fetchAllow: readonly string[];
}

export interface CreateClientFacts {
  /** The stored resources among those that are asked for. */
  readonly resources: readonly Resource[];
}

/** Loads what `decideCreateClient` looks at. */
export async function loadCreateClient(
  read: Pick<ClientReader, 'resource'>,
  command: CreateClientCommand,
): Promise<CreateClientFacts> {
  const found: Resource[] = [];
  for (const identifier of command.resources) {
    const resource = await read.resource(identifier as ResourceIdentifier);
    if (resource !== undefined) found.push(resource);
  }
  return { resources: found };
}

/**
 * Decides a new client. Its properties must go together, its resources must exist, and nobody makes a client for the
 * admin API that may do more than they may themselves. One of the admin API is a machine or signs people in, never both:
 * what a person does there is theirs, and bounded by their roles.
 *
 * @returns `client_metadata_conflict`, `origin_invalid`, `redirect_uri_invalid`,
 *   `backchannel_logout_uri_invalid`, `sector_unknown`, `sector_identifier_invalid`, `limit_reached`, `scope_malformed`, `resource_unknown`, `scope_not_allowed`,
 *   `admin_client_invalid`, `scope_insufficient`
 * @spec RFC 6749 §2.1, §4.4 (client credentials are for confidential clients only); RFC 7591 §2
 */
export function decideCreateClient(
  { resources }: CreateClientFacts,
  command: CreateClientCommand,
  { now }: Moment,
): Decision<Client> {
  const confidential = command.authentication !== 'none';
  if (!fitsTogether(command)) return refuse('client_metadata_conflict');
  if (!command.origins.every(isRegistrableOrigin)) return refuse('origin_invalid');
  const uris = [...command.redirectUris, ...command.postLogoutRedirectUris];
  if (!uris.every((uri) => isRegistrableRedirectUri(uri, command.applicationType)))
    return refuse('redirect_uri_invalid');
  const { backchannelLogoutUri: backchannel } = command;
  if (backchannel !== undefined && !isCallableUri(backchannel, command.fetchAllow))
    return refuse('backchannel_logout_uri_invalid');
  const sector = sectorOf(command);
  if (!sector.ok) return refuse(sector.error);
  if (uris.length > LIMITS.redirectUrisPerClientMax) return refuse('limit_reached');
  if (command.origins.length > LIMITS.originsPerClientMax || command.resources.length > LIMITS.resourcesMax)
    return refuse('limit_reached');
  if (command.scope.length > LIMITS.scopeNamesMax || !command.scope.every(isScopeName))
    return refuse('scope_malformed');
  if (resources.length !== command.resources.length) return refuse('resource_unknown');
  const isSignIn = command.grantTypes.includes('authorization_code');
  const isKnown = (name: string) =>
    (isSignIn && isIdentityScope(name)) || resources.some((resource) => resource.scope.includes(name));
  if (!command.scope.every(isKnown)) return refuse('scope_not_allowed');
  if (resources.some(({ audience }) => audience === command.adminApi)) {
    const isMachine = command.grantTypes.includes('client_credentials');
    const isMore = command.firstParty || command.grantTypes.some((type) => type !== 'client_credentials');
    if (isMachine && isMore) return refuse('admin_client_invalid');
    if (!mayGive(command.administrator, command.scope)) return refuse('scope_insufficient');
  }

  const client = clientOf(command, sector.value, resources, now);
  return allow(client, [
    { kind: 'client.create', client },
    ...(confidential ? [{ kind: 'secret.add', secret: storedSecret(client.id, command.secret, now) } as const] : []),
    created(client, command.administrator, now),
  ]);
}

/**
 * The sector of a client with pairwise subjects: the host of its document, which must list all its redirect URIs, or the
 * one host that these have.
 *
 * @spec OIDC Core §8.1; OIDC Registration §5 (OIDC-03)
 */
function sectorOf({
  subjects,
  redirectUris,
}: CreateClientCommand): Result<string | undefined, 'sector_unknown' | 'sector_identifier_invalid'> {
  if (subjects.type === 'public') return ok(undefined);
  const { document } = subjects;
  if (document === undefined) {
    const host = commonHost(redirectUris);
    return host === undefined ? fail('sector_unknown') : ok(host);
  }
  return redirectUris.every((uri) => document.redirectUris.includes(uri))
    ? ok(document.host)
    : fail('sector_identifier_invalid');
}

const clientOf = (
  command: CreateClientCommand,
  sector: string | undefined,
  resources: readonly Resource[],
  now: Moment['now'],
): Client => ({
  id: command.id,
  version: 1,
  name: command.name,
  createdAt: now,
  deletedAt: undefined,
  authentication: command.authentication,
  firstParty: command.firstParty,
  grantTypes: [...new Set(command.grantTypes)],
  scope: [...new Set(command.scope)],
  resources: [...new Set(resources.map(({ identifier }) => identifier))],
  origins: [...new Set(command.origins)],
  applicationType: command.applicationType,
  redirectUris: [...new Set(command.redirectUris)],
  postLogoutRedirectUris: [...new Set(command.postLogoutRedirectUris)],
  backchannelLogoutUri: command.backchannelLogoutUri,
  backchannelLogoutSessionRequired: command.backchannelLogoutSessionRequired,
  sector,
  requiresPkce: command.requiresPkce,
  idTokenAlgorithm: command.idTokenAlgorithm,
  hasScopeClaimsInIdToken: command.hasScopeClaimsInIdToken,
  refreshPolicy: command.refreshPolicy,
  overlapMilliseconds: command.overlapMilliseconds,
  cutOff: undefined,
});

/**
 * Only a client that proves itself acts on its own or exchanges keys, keeps a refresh token or goes without PKCE; answers of the pages need
 * somewhere to go; and only a client that people use has pages with origins.
 */
function fitsTogether(command: CreateClientCommand): boolean {
  const isPublic = command.authentication === 'none';
  if (command.grantTypes.length === 0) return false;
  const isForConfidential = command.grantTypes.some((type) => type === 'client_credentials' || type === TOKEN_EXCHANGE);
  if (isPublic && (isForConfidential || command.refreshPolicy === 'keep')) return false;
  const isSignIn = command.grantTypes.includes('authorization_code');
  if (isSignIn !== command.redirectUris.length > 0) return false;
  if (!isSignIn && command.postLogoutRedirectUris.length > 0) return false;
  if (!isSignIn && command.backchannelLogoutUri !== undefined) return false;
  if (command.subjects.type === 'pairwise' && (command.firstParty || !isSignIn)) return false;
  if (command.backchannelLogoutSessionRequired && command.backchannelLogoutUri === undefined) return false;
  if (isPublic && !command.requiresPkce) return false;
  return command.firstParty || isSignIn || command.origins.length === 0;
}

const created = (client: Client, administrator: Administrator, at: Moment['now']): Write => ({
  kind: 'audit.append',
  entry: {
    at,
    event: 'client.created',
    actor: administrator.id,
    subject: { client: client.id },
    detail: { name: client.name, authentication: client.authentication, first_party: client.firstParty },
  },
});
