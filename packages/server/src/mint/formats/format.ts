import type { AccessGrant } from '@latchkey/domain/tokens/access-grant';
import type { StatusPlace } from '@latchkey/domain/tokens/token-record';
import type { AccessTokenClaims } from '@latchkey/protocol/claims';
import type { TokenId } from '@latchkey/protocol/types';
import type { OpenKeys } from '../../keys/key-ring.ts';
import type { Server } from '../../server.ts';

/** What an access token is to say, and of what it is made. */
export interface AccessTokenParts {
  readonly jti: TokenId;
  readonly claims: AccessTokenClaims;
  /** Where it stands in a status list, as the claims say; it has a record then. */
  readonly status: StatusPlace | undefined;
  readonly grant: AccessGrant;
  readonly keys: OpenKeys;
}

/** Makes the text of an access token in one format, and leaves a record of it where the format needs one. */
export type MintFormat = (parts: AccessTokenParts, server: Server) => Promise<string>;
