import { LIMITS } from '@latchkey/protocol/limits';
import type { AccountId, ResourceIdentifier } from '@latchkey/protocol/types';
import type { Account, Role } from '../accounts/account.ts';
import { changedEvent } from '../api-keys/writes.ts';
import type { AuditEvent } from '../audit.ts';
import type { Resource } from '../clients/resource.ts';
import { allow, type Decision, refuse } from '../decision.ts';
import type { AccountReader, ApiKeyReader, ClientReader, Moment } from '../ports/reader.ts';
import type { Write } from '../write.ts';
import { isAdminRole, scopesOf } from './roles-of-admin-api.ts';
import { type Administrator, mayGive } from './scopes.ts';

const NAME = /^[A-Za-z0-9][A-Za-z0-9._:/-]*$/;

/** Whether a text is the name of a role. */
export const isRoleName = (text: string): boolean => text.length <= LIMITS.roleMax && NAME.test(text);

export interface RoleCommand {
  readonly administrator: Administrator;
  readonly accountId: AccountId;
  readonly resource: string;
  readonly role: string;
  /** The audience of the admin API. */
  readonly adminApi: string;
}

export interface RoleFacts {
  readonly account: Account | undefined;
  readonly resource: Resource | undefined;
  readonly roles: readonly Role[];
}

/** Whoever takes a role away must know whether the account has keys: what is kept of those says its roles. */
export interface RevokeRoleFacts extends RoleFacts {
  readonly liveApiKeys: number;
}

/** Loads what `decideGrantRole` looks at. */
export const loadRole = async (
  read: Pick<AccountReader, 'account' | 'roles'> & Pick<ClientReader, 'resource'>,
  command: RoleCommand,
): Promise<RoleFacts> => ({
  account: await read.account(command.accountId),
  resource: await read.resource(command.resource as ResourceIdentifier),
  roles: await read.roles(command.accountId, undefined),
});

/** Loads what `decideRevokeRole` looks at. */
export const loadRevokeRole = async (
  read: Parameters<typeof loadRole>[0] & Pick<ApiKeyReader, 'liveApiKeys'>,
  command: RoleCommand,
  { now }: Moment,
): Promise<RevokeRoleFacts> => ({
  ...(await loadRole(read, command)),
  liveApiKeys: await read.liveApiKeys(command.accountId, now),
});

/**
 * Decides that an account gets a role at a resource; it stands in the next access token for that resource. To grant a
 * role twice changes nothing. At the admin API the roles are known, and nobody gives one that may do more than they may.
 *
 * @returns `not_found`, `role_invalid`, `resource_unknown`, `admin_role_unknown`, `scope_insufficient`, `limit_reached`
 */
export function decideGrantRole(facts: RoleFacts, command: RoleCommand, { now }: Moment): Decision<Role> {
  const { accountId, role, adminApi, administrator } = command;
  if (facts.account === undefined) return refuse('not_found');
  if (!isRoleName(role)) return refuse('role_invalid');
  if (facts.resource === undefined) return refuse('resource_unknown');
  const granted: Role = { accountId, resource: facts.resource.identifier, role };
  if (granted.resource === adminApi && !isAdminRole(role)) return refuse('admin_role_unknown');
  if (!mayGive(administrator, scopesOf([granted], adminApi))) return refuse('scope_insufficient');
  if (has(facts, granted)) return allow(granted);
  if (facts.roles.length >= LIMITS.rolesPerAccountMax) return refuse('limit_reached');
  return allow(granted, [{ kind: 'role.grant', role: granted }, entry('role.granted', granted, command, now)]);
}

/**
 * Decides that an account loses a role; access tokens that name it are replaced within their life of minutes, and what
 * verifiers keep of the account's API keys at once. The resource need not exist any more. At the admin API it is gone at once, and only who may do as much takes it away.
 *
 * @returns `not_found`, `scope_insufficient`
 */
export function decideRevokeRole(facts: RevokeRoleFacts, command: RoleCommand, { now }: Moment): Decision<Role> {
  const role: Role = { accountId: command.accountId, resource: command.resource, role: command.role };
  if (facts.account === undefined || !has(facts, role)) return refuse('not_found');
  if (!mayGive(command.administrator, scopesOf([role], command.adminApi))) return refuse('scope_insufficient');
  return allow(role, [
    { kind: 'role.revoke', role },
    ...(facts.liveApiKeys === 0 ? [] : [changedEvent(role.accountId, now)]),
    entry('role.revoked', role, command, now),
  ]);
}

const has = ({ roles }: RoleFacts, wanted: Role): boolean =>
  roles.some(({ resource, role }) => resource === wanted.resource && role === wanted.role);

const entry = (event: AuditEvent, role: Role, { administrator }: RoleCommand, at: Moment['now']): Write => ({
  kind: 'audit.append',
  entry: {
    at,
    event,
    actor: administrator.id,
    subject: { account: role.accountId },
    detail: { resource: role.resource, role: role.role },
  },
});
