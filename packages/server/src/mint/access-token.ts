import type { Resource } from '@latchkey/domain/clients/resource';
import type { AccessGrant } from '@latchkey/domain/tokens/access-grant';
import { accessTokenClaims } from '@latchkey/domain/tokens/access-token-claims';
import { claimsAt } from '@latchkey/domain/tokens/status-place';
import type { ErrorId } from '@latchkey/protocol/errors';
import { makeId } from '@latchkey/protocol/ids';
import { ok, type Result } from '@latchkey/protocol/result';
import type { TokenId } from '@latchkey/protocol/types';
import type { OpenKeys } from '../keys/key-ring.ts';
import type { Server } from '../server.ts';
import type { MintFormat } from './formats/format.ts';
import { mintJwe } from './formats/jwe.ts';
import { mintJwt } from './formats/jwt.ts';
import { mintOpaque } from './formats/opaque.ts';
import { takeStatusPlace } from './status.ts';

export interface MintedAccessToken {
  readonly value: string;
  readonly jti: TokenId;
  readonly expiresIn: number;
}

/** One module per format; the compiler refuses this file when one is missing. */
const FORMATS: Readonly<Record<Resource['format'], MintFormat>> = { jwt: mintJwt, jwe: mintJwe, opaque: mintOpaque };

/**
 * Makes a granted access token, in the format of its resource.
 *
 * @returns `overloaded`
 */
export async function mintAccessToken(
  grant: AccessGrant,
  keys: OpenKeys,
  server: Server,
): Promise<Result<MintedAccessToken, ErrorId>> {
  const jti = makeId('tok', server.now(), server.entropy(10));
  const said = accessTokenClaims(grant, server.settings.issuer, jti);
  const taken = await takeStatusPlace(said, { jti, grant }, server);
  if (!taken.ok) return taken;
  const status = taken.value;
  const claims = status === undefined ? said : claimsAt(status, said);
  const value = await FORMATS[grant.resource.format]({ jti, claims, status, grant, keys }, server);
  return ok({ value, jti, expiresIn: claims.exp - claims.iat });
}
