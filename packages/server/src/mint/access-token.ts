import type { Resource } from '@latchkey/domain/clients/resource';
import type { AccessGrant } from '@latchkey/domain/tokens/access-grant';
import type { AccessTokenClaims } from '@latchkey/protocol/claims';
import { makeId } from '@latchkey/protocol/ids';
import { formatPosition } from '@latchkey/protocol/position';
import { formatScope } from '@latchkey/protocol/scope';
import { type EpochSeconds, seconds, type TokenId } from '@latchkey/protocol/types';
import type { OpenKeys } from '../keys/key-ring.ts';
import type { Server } from '../server.ts';
import type { MintFormat } from './formats/format.ts';
import { mintJwe } from './formats/jwe.ts';
import { mintJwt } from './formats/jwt.ts';
import { mintOpaque } from './formats/opaque.ts';

export interface MintedAccessToken {
  readonly value: string;
  readonly jti: TokenId;
  readonly expiresIn: number;
}

/** The claims of a granted access token. @spec RFC 9068 §2.2 */
export function accessTokenClaims(grant: AccessGrant, issuer: string, jti: TokenId): AccessTokenClaims {
  const issuedAt = seconds(grant.issuedAt);
  const { person } = grant;
  return {
    iss: issuer,
    sub: grant.subject,
    aud: grant.resource.audience,
    client_id: grant.clientId,
    jti,
    iat: issuedAt,
    exp: expiryOf(grant),
    pos: formatPosition(grant.pos),
    ...(grant.scope.length === 0 ? {} : { scope: formatScope(grant.scope) }),
    ...(grant.roles.length === 0 ? {} : { roles: grant.roles }),
    ...(grant.cnf === undefined ? {} : { cnf: grant.cnf }),
    ...(person === undefined
      ? {}
      : {
          fid: person.familyId,
          ...(person.sessionId === undefined ? {} : { sid: person.sessionId }),
          ...(person.authTime === undefined ? {} : { auth_time: person.authTime }),
          ...(person.amr.length === 0 ? {} : { amr: person.amr }),
          ...(person.acr === undefined ? {} : { acr: person.acr }),
        }),
  };
}

/** As long as its resource says, and no longer than the family that it belongs to. */
function expiryOf({ issuedAt, resource, person }: AccessGrant): EpochSeconds {
  const whole = seconds(issuedAt) + resource.accessTokenSeconds;
  return Math.min(whole, person === undefined ? whole : Math.ceil(person.familyExpiresAt / 1000)) as EpochSeconds;
}

/** One module per format; the compiler refuses this file when one is missing. */
const FORMATS: Readonly<Record<Resource['format'], MintFormat>> = { jwt: mintJwt, jwe: mintJwe, opaque: mintOpaque };

/** Makes a granted access token, in the format of its resource. */
export async function mintAccessToken(grant: AccessGrant, keys: OpenKeys, server: Server): Promise<MintedAccessToken> {
  const jti = makeId('tok', server.now(), server.entropy(10));
  const claims = accessTokenClaims(grant, server.settings.issuer, jti);
  const value = await FORMATS[grant.resource.format]({ jti, claims, grant, keys }, server);
  return { value, jti, expiresIn: claims.exp - claims.iat };
}
