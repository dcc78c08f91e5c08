import { LIMITS } from '@latchkey/protocol/limits';
import type { AccountId, ApiKeyId, ClientId, ResourceIdentifier, Sha256 } from '@latchkey/protocol/types';
import type { Identifier, Role } from '../accounts/account.ts';
import type { MailLanguage } from '../accounts/notice.ts';
import { scopesOf } from '../administration/roles-of-admin-api.ts';
import { type Administrator, mayGive } from '../administration/scopes.ts';
import type { Resource } from '../clients/resource.ts';
import { allow, type Decision, refuse } from '../decision.ts';
import type { Moment, Reader } from '../ports/reader.ts';
import { isAccountLive, isClientLive } from '../tokens/liveness.ts';
import type { ApiKey } from './api-key.ts';
import { type ChosenTerms, termsRefused } from './check-terms.ts';
import { type ApiKeyOwner, loadOwner } from './life.ts';
import { entryOf, tellOwner } from './writes.ts';

/** What somebody wants of a new key. Of its secret there is only the hash. */
export interface CreateApiKeyCommand extends ChosenTerms {
  readonly administrator: Administrator;
  readonly id: ApiKeyId;
  readonly owner: AccountId | ClientId;
  readonly environment: ApiKey['environment'];
  readonly resource: ResourceIdentifier;
  readonly secretHash: Sha256;
  /** The audience of the admin API. */
  readonly adminApi: string;
  readonly language: MailLanguage;
}

/** Whose key it is to be, with the roles of an account and its names. */
export interface OwnerFacts extends ApiKeyOwner {
  readonly roles: readonly Role[];
  readonly identifiers: readonly Identifier[];
  /** How many keys the owner has that live. */
  readonly live: number;
}

export interface CreateApiKeyFacts {
  readonly owner: OwnerFacts;
  readonly resource: Resource | undefined;
}

/** Loads an owner with all that a decision about its keys looks at. */
export async function loadOwnerFacts(read: Reader, id: AccountId | ClientId, { now }: Moment): Promise<OwnerFacts> {
  const owner = await loadOwner(read, id);
  const { account } = owner;
  return {
    ...owner,
    roles: account === undefined ? [] : await read.roles(account.id, undefined),
    identifiers: account === undefined ? [] : await read.identifiers(account.id),
    live: await read.liveApiKeys(id, now),
  };
}

export const loadCreateApiKey = async (
  read: Reader,
  { owner, resource }: Pick<CreateApiKeyCommand, 'owner' | 'resource'>,
  moment: Moment,
): Promise<CreateApiKeyFacts> => ({
  owner: await loadOwnerFacts(read, owner, moment),
  resource: await read.resource(resource),
});

/**
 * Decides a new key: for one resource, which is not the server's own, and for an owner that lives. Whoever has a key acts
 * for its owner: so for somebody else's account only those make one who could set its password. The account is told.
 *
 * @returns `api_key_owner_unknown`, `scope_insufficient`, `account_outranks`, `resource_unknown`, `built_in`, what `termsRefused` says,
 *   `limit_reached`
 * @spec ASVS 13.3 (APK-03)
 */
export function decideCreateApiKey(
  { owner, resource }: CreateApiKeyFacts,
  command: CreateApiKeyCommand,
  { now, position }: Moment,
): Decision<ApiKey> {
  const { administrator, id, adminApi } = command;
  if (!isOwnerLive(owner, { position })) return refuse('api_key_owner_unknown');
  const unheld = notHeld(owner, administrator, adminApi);
  if (unheld !== undefined) return refuse(unheld);
  if (resource === undefined) return refuse('resource_unknown');
  if (resource.builtIn) return refuse('built_in');
  const refused = termsRefused(command, resource, now);
  if (refused !== undefined) return refuse(refused);
  if (owner.live >= LIMITS.apiKeysPerOwnerMax) return refuse('limit_reached');

  const key: ApiKey = {
    id,
    version: 1,
    owner: command.owner,
    environment: command.environment,
    name: command.name,
    resource: resource.identifier,
    scope: [...new Set(command.scope)],
    tenant: command.tenant,
    networks: [...new Set(command.networks)],
    quota: command.quota,
    rate: command.rate,
    metadata: command.metadata,
    secretHash: command.secretHash,
    previous: undefined,
    createdAt: now,
    expiresAt: command.expiresAt,
    pos: position,
    ended: undefined,
  };
  const detail = { resource: key.resource, name: key.name, environment: key.environment };
  return allow(key, [
    { kind: 'api_key.create', key },
    {
      kind: 'audit.append',
      entry: entryOf(key, { event: 'api_key.created', actor: administrator.id, at: now, detail }),
    },
    ...tellOwner('api_key_created', { identifiers: owner.identifiers, language: command.language }, now),
  ]);
}

/** Whether a key can have this owner now. */
export const isOwnerLive = ({ account, client }: ApiKeyOwner, { position }: Pick<Moment, 'position'>): boolean =>
  isAccountLive(account, position) || isClientLive(client, position);

/**
 * Why somebody may not hold a key of this owner; undefined where they may. A key of an account has its roles at every
 * API: whoever may not write accounts could become anybody else by it.
 */
export function notHeld(
  { account, roles }: Pick<OwnerFacts, 'account' | 'roles'>,
  by: Administrator,
  adminApi: string,
): 'scope_insufficient' | 'account_outranks' | undefined {
  if (account !== undefined && account.id !== by.id && !by.scope.includes('accounts:write'))
    return 'scope_insufficient';
  return mayGive(by, scopesOf(roles, adminApi)) ? undefined : 'account_outranks';
}
