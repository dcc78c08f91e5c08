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
  const scope = Object.freeze(claims.scope === undefined ? [] : claims.scope.split(' '));
  return Object.freeze({ claims: deepFrozen(claims), scope, roles: claims.roles ?? NONE, stale: false });
}

const NONE: readonly string[] = Object.freeze([]);

/** The same access, marked as stale. */
export const staleAccess = (access: Access): Access => Object.freeze({ ...access, stale: true });

/** Freezes what was just parsed, through and through: it has no cycles and no depth. */
function deepFrozen<T extends object>(value: T): T {
  for (const name in value) {
    const member: unknown = value[name];
    if (typeof member === 'object' && member !== null) deepFrozen(member);
  }
  return Object.freeze(value);
}
