import type { Access } from './access.ts';

/** What a route asks for beside a valid token. */
export interface Requirements {
  /** All of these scopes. */
  readonly scope?: readonly string[];
  /** At least one of these roles. */
  readonly roles?: readonly string[];
  /** All of these permissions, which the resource gives to roles. */
  readonly permissions?: readonly string[];
  /** The person must have authenticated within so many seconds. @spec RFC 9470 §3 */
  readonly maxAgeSeconds?: number;
  /** One of these ways of authentication. @spec RFC 9470 §3 */
  readonly acrValues?: readonly string[];
  /** True to accept each token once, among all who verify for this API. What is refused for another reason uses none up. */
  readonly once?: boolean;
}

export type GuardError =
  | 'scope_insufficient'
  | 'role_insufficient'
  | 'permission_insufficient'
  | 'authentication_too_old';

/**
 * Whether an access is enough for a route. Authority comes first: who may not do it at all is not asked to sign in anew.
 *
 * @spec RFC 6750 §3.1, RFC 9470 §3
 */
export function guardError(access: Access, asked: Requirements, nowSeconds: number): GuardError | undefined {
  if (asked.scope !== undefined && !asked.scope.every((name) => access.scope.includes(name)))
    return 'scope_insufficient';
  if (asked.roles !== undefined && !asked.roles.some((role) => access.roles.includes(role))) return 'role_insufficient';
  if (asked.permissions !== undefined && !asked.permissions.every((name) => access.permissions.includes(name)))
    return 'permission_insufficient';
  const { auth_time: authTime, acr } = access.claims;
  if (asked.maxAgeSeconds !== undefined && (authTime === undefined || nowSeconds - authTime > asked.maxAgeSeconds))
    return 'authentication_too_old';
  if (asked.acrValues !== undefined && (acr === undefined || !asked.acrValues.includes(acr)))
    return 'authentication_too_old';
  return undefined;
}
