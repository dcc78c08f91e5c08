import type { AccessTokenClaims } from '@latchkey/protocol/claims';
import { parseId } from '@latchkey/protocol/ids';

/** An access that was granted. It is frozen, claims and all: two requests with one token share it. */
export interface Access {
  /** Whose token it is. */
  readonly principal: Principal;
  readonly claims: AccessTokenClaims;
  /** The names of the `scope` claim. */
  readonly scope: readonly string[];
  readonly roles: readonly string[];
  /** What the roles add up to at this API. */
  readonly permissions: readonly string[];
  /** True when it was accepted without knowing whether the token was revoked: policy `accept`. */
  readonly stale: boolean;
  /** What kind of credential it was; a token that is signed or encrypted is `jwt`. */
  readonly credential: 'jwt' | 'opaque' | 'api_key';
  /** Only for an API key. */
  readonly apiKey?: ApiKeyAccess;
  /** Headers that tell the caller of the limits of its API key; the adapters put them on the answer. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** What is known of an API key beside its claims. */
export interface ApiKeyAccess {
  readonly id: string;
  readonly environment: 'live' | 'test';
  /** From where it may be used, as CIDR; empty for anywhere. */
  readonly networks: readonly string[];
  /** Whether its uses have a limit. */
  readonly isLimited: boolean;
}

/**
 * Who is behind a token: a person's account, or a client that acts for nobody but itself. Its name is issuer and subject
 * together, never a user name or an e-mail address. Ids of accounts and of clients do not meet.
 *
 * @spec RFC 9700 §4.15; RFC 9068 §2.2 (`sub` is the client's id where no person is involved)
 */
export interface Principal {
  readonly kind: 'account' | 'client';
  readonly issuer: string;
  readonly subject: string;
}

export function accessOf(
  claims: AccessTokenClaims,
  credential: Access['credential'] = 'jwt',
  apiKey?: ApiKeyAccess,
): Access {
  const { iss: issuer, sub: subject } = claims;
  const principal = Object.freeze({ kind: isOfClient(claims) ? 'client' : 'account', issuer, subject });
  const scope = Object.freeze(claims.scope === undefined ? [] : claims.scope.split(' '));
  return Object.freeze({
    principal,
    claims: deepFrozen(claims),
    scope,
    roles: claims.roles ?? NONE,
    permissions: claims.permissions ?? NONE,
    stale: false,
    credential,
    ...(apiKey === undefined ? {} : { apiKey: deepFrozen(apiKey) }),
  });
}

/** A client's API key may be exchanged by another client, which then asks for it and is not who it is about. */
const isOfClient = ({ sub, client_id, api_key }: AccessTokenClaims): boolean =>
  sub === client_id || (api_key !== undefined && parseId('cli', sub) !== undefined);

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
