import type { Scope } from '@latchkey/protocol/scope';

/** What an access token for the admin API may be allowed to do; each route asks for one of them. */
export const ADMIN_SCOPES = [
  'accounts:read',
  'accounts:write',
  'clients:read',
  'clients:write',
  'resources:read',
  'resources:write',
  'roles:write',
  'api_keys:read',
  'api_keys:write',
  'sessions:read',
  'sessions:write',
  'tokens:revoke',
  'keys:read',
  'keys:write',
  'audit:read',
  'explain',
] as const;

export type AdminScope = (typeof ADMIN_SCOPES)[number];

/** Who asks: the subject of the access token, for the audit log, and what that token allows. */
export interface Administrator {
  readonly id: string;
  readonly scope: Scope;
}

/**
 * Whether somebody may hand out these scopes of the admin API. Nobody gives more than they have: else whoever may
 * create clients, or replace their secrets, may do everything.
 */
export const mayGive = (administrator: Administrator, scope: Scope): boolean =>
  scope
    .filter((name) => ADMIN_SCOPES.some((known) => known === name))
    .every((name) => administrator.scope.includes(name));
