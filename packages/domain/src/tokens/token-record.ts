import type { AccessTokenClaims } from '@latchkey/protocol/claims';
import type { ApiKeyId, ClientId, EpochMilliseconds, ResourceId, Sha256, TokenId } from '@latchkey/protocol/types';

/**
 * An access token that must leave a row: because its text has no meaning, because only its own resource can check it,
 * or because it has a place in a status list. The row goes when the token has expired.
 */
export interface TokenRecord {
  readonly jti: TokenId;
  /** By what an opaque token is found again; undefined for one that carries its claims. */
  readonly opaque: OpaqueHandle | undefined;
  /** Whose tokens are counted together. */
  readonly clientId: ClientId | ApiKeyId;
  readonly resourceId: ResourceId;
  readonly status: StatusPlace | undefined;
  readonly claims: AccessTokenClaims;
  readonly expiresAt: EpochMilliseconds;
}

/** What is kept of the text of an opaque token: the hash of its random part, and under which key its MAC was made. */
export interface OpaqueHandle {
  readonly handle: Sha256;
  readonly macKeyId: number;
}

/** The place of a token in a status list, which no other token has. */
export interface StatusPlace {
  readonly list: number;
  readonly index: number;
}
