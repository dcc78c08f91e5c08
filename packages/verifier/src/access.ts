import type { AccessTokenClaims } from '@latchkey/protocol/claims';

/** An access that was granted. It is frozen, claims and all: two requests with one token share it. */
export interface Access {
  readonly claims: AccessTokenClaims;
  /** The names of the `scope` claim. */
  readonly scope: readonly string[];
  readonly roles: readonly string[];
  /** True when it was accepted without knowing whether the token was revoked: policy `accept`. */
  readonly stale: boolean;
}

export function accessOf(claims: AccessTokenClaims): Access {
  const scope = claims.scope === undefined ? [] : claims.scope.split(' ');
  return deepFrozen({ claims, scope, roles: claims.roles ?? [], stale: false });
}

/** The same access, marked as stale. */
export const staleAccess = (access: Access): Access => Object.freeze({ ...access, stale: true });

function deepFrozen<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value;
  for (const member of Object.values(value)) deepFrozen(member);
  return Object.freeze(value);
}
