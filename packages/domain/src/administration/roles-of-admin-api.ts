import { intersect, isIdentityScope, type Scope } from '@latchkey/protocol/scope';
import type { Role } from '../accounts/account.ts';
import type { Asked } from '../authorization/consent.ts';
import type { Resource } from '../clients/resource.ts';
import { ADMIN_SCOPES, type AdminScope } from './scopes.ts';

/**
 * What the roles at the admin API let a person do there. Only an `admin` writes accounts and roles: whoever sets
 * passwords or grants roles could become anybody, and so could who makes API keys for the accounts of others. Who may
 * write clients makes none that may do more than they may.
 *
 * @spec RFC 9700 §2.3 (least privilege)
 */
export const ADMIN_ROLES = {
  admin: ADMIN_SCOPES,
  operator: [
    'accounts:read',
    'clients:read',
    'clients:write',
    'resources:read',
    'resources:write',
    'api_keys:read',
    'api_keys:write',
    'sessions:read',
    'sessions:write',
    'tokens:revoke',
    'keys:read',
    'keys:write',
    'audit:read',
    'explain',
  ],
  support: ['accounts:read', 'api_keys:read', 'sessions:read', 'sessions:write', 'tokens:revoke', 'explain'],
  auditor: [
    'accounts:read',
    'clients:read',
    'resources:read',
    'api_keys:read',
    'sessions:read',
    'keys:read',
    'audit:read',
    'explain',
  ],
} as const satisfies Readonly<Record<string, readonly AdminScope[]>>;

export type AdminRole = keyof typeof ADMIN_ROLES;

/** The role that may do everything, and that a deployment begins with. */
export const FULL_ADMIN: AdminRole = 'admin';

export const isAdminRole = (name: string): name is AdminRole => Object.hasOwn(ADMIN_ROLES, name);

/** The scopes of the admin API that these roles give; those at other resources give none. */
export function scopesOf(roles: readonly Pick<Role, 'resource' | 'role'>[], adminApi: string): Scope {
  const given: readonly AdminScope[] = roles.flatMap(({ resource, role }) =>
    resource === adminApi && isAdminRole(role) ? ADMIN_ROLES[role] : [],
  );
  return ADMIN_SCOPES.filter((name) => given.includes(name));
}

/**
 * What of a scope stands in a person's token for a resource: at the admin API no more than their roles give there;
 * every other API looks at the roles itself. Undefined where nothing would be left of it.
 *
 * @spec RFC 6749 §3.3 (the server may grant less than was asked for, and says what it granted)
 */
export function scopeByRoles(
  scope: Scope,
  { identifier }: Pick<Resource, 'identifier'>,
  roles: readonly Role[],
  adminApi: string,
): Scope | undefined {
  if (identifier !== adminApi) return scope;
  const left = intersect(scope, scopesOf(roles, adminApi));
  return left.length === 0 ? undefined : left;
}

/**
 * What of a request a person can allow. Of the scopes of the admin API those count that their roles there give, and one
 * at least must be left; a name that another of the resources knows, too, stays, and counts for that one.
 */
export function askedByRoles(
  asked: Asked,
  resources: readonly Resource[],
  roles: readonly Role[],
  adminApi: string,
): Asked | undefined {
  if (!asked.resources.some((identifier) => identifier === adminApi)) return asked;
  const given = scopesOf(roles, adminApi);
  if (intersect(asked.scope, given).length === 0) return undefined;
  const isOther = (name: string) =>
    isIdentityScope(name) || resources.some(({ identifier, scope }) => identifier !== adminApi && scope.includes(name));
  return { ...asked, scope: asked.scope.filter((name) => given.includes(name) || isOther(name)) };
}
