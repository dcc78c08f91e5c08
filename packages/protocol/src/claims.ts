import type { EpochSeconds } from './types.ts';

/** The key that a sender must prove to hold. @spec RFC 9449 §6.1 (jkt), RFC 8705 §3.1 (x5t#S256) */
export interface Confirmation {
  readonly jkt?: string;
  readonly 'x5t#S256'?: string;
}

/** Who acts for the subject; the outermost is the current actor. @spec RFC 8693 §4.1 */
export interface Actor {
  readonly sub: string;
  readonly client_id?: string;
  readonly act?: Actor;
}

/**
 * The claims of an access token.
 *
 * @spec RFC 9068 §2.2; `sid` OIDC Front-Channel Logout §3; `fid` and `pos` are Latchkey's
 */
export interface AccessTokenClaims {
  readonly iss: string;
  readonly sub: string;
  readonly aud: string | readonly string[];
  readonly client_id: string;
  readonly jti: string;
  readonly iat: EpochSeconds;
  readonly exp: EpochSeconds;
  readonly nbf?: EpochSeconds;
  /** Names separated by spaces; absent when there are none. */
  readonly scope?: string;
  /** Place in the revocation log that the decision behind this token had seen: `epoch:seq`. */
  readonly pos?: string;
  /** The session that the token belongs to; absent in machine tokens. */
  readonly sid?: string;
  /** The token family that the token belongs to; absent in machine tokens. */
  readonly fid?: string;
  readonly auth_time?: EpochSeconds;
  readonly acr?: string;
  readonly amr?: readonly string[];
  readonly roles?: readonly string[];
  /** What the roles add up to at the resource. */
  readonly permissions?: readonly string[];
  readonly org_id?: string;
  readonly cnf?: Confirmation;
  readonly act?: Actor;
  /** The API key that the token was made of, or that is told of. */
  readonly api_key?: string;
  readonly [claim: string]: unknown;
}

/** What introspection tells of a token. @spec RFC 7662 §2.2 */
export type Introspection = { readonly active: false } | ActiveIntrospection;

export interface ActiveIntrospection extends AccessTokenClaims {
  readonly active: true;
  readonly token_type: 'Bearer' | 'DPoP';
  readonly username?: string;
}

/** The kinds of event on the revocation feed. */
export const REVOCATION_KINDS = [
  'token',
  'family',
  'session',
  'api_key',
  'subject',
  'client',
  'all',
  'key',
  'changed',
] as const;

export type RevocationKind = (typeof REVOCATION_KINDS)[number];

/** One event of the revocation log, as verifiers see it. */
export interface RevocationEvent {
  readonly epoch: number;
  readonly seq: number;
  readonly kind: RevocationKind;
  /** The `jti`, `fid`, `sid`, key id, `sub`, `client_id` or `kid` that it is about; empty for `all`. */
  readonly id: string;
  /** Nothing that the event concerns can be valid after this time. */
  readonly exp: EpochSeconds;
}
