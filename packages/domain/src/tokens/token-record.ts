import type { AccessTokenClaims } from '@latchkey/protocol/claims';
import type { ApiKeyId, ClientId, EpochMilliseconds, ResourceId, Sha256, TokenId } from '@latchkey/protocol/types';

/**
 * An access token that must leave a row: because its text has no meaning, because only its own resource can check it,
 * or because it has a place in a status list. The row goes when the token has expired.
 */
export interface TokenRecord {
  readonly jti: TokenId;
  /** By what a token is found again that the server cannot read, opaque or encrypted; undefined for any other. */
  readonly opaque: OpaqueHandle | undefined;
  /** Whose tokens are counted together. */
  readonly clientId: ClientId | ApiKeyId;
  readonly resourceId: ResourceId;
  readonly status: StatusPlace | undefined;
  readonly claims: AccessTokenClaims;
  readonly expiresAt: EpochMilliseconds;
}

/**
 * What is kept of the text of an opaque token: the hash of its random part, and under which key its MAC was made. Of an
 * encrypted token it is the hash of the whole, which has no MAC of ours.
 */
export interface OpaqueHandle {
  readonly handle: Sha256;
  readonly macKeyId: number | undefined;
}

/** The place of a token in a status list, which no other token has. */
export interface StatusPlace {
  readonly list: number;
  readonly index: number;
}

/** By what the audit log still knows a token whose row is gone, when somebody has its text. */
export const handleSubject = (record: TokenRecord | undefined): { readonly handle?: string } =>
  record?.opaque === undefined ? {} : { handle: record.opaque.handle };
