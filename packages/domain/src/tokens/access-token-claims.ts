import type { AccessTokenClaims } from '@latchkey/protocol/claims';
import { DURATIONS } from '@latchkey/protocol/limits';
import { formatPosition } from '@latchkey/protocol/position';
import { formatScope } from '@latchkey/protocol/scope';
import { type EpochSeconds, seconds, type TokenId } from '@latchkey/protocol/types';
import type { AccessGrant } from './access-grant.ts';

/** The claims of a granted access token. Those of its own stand last, and none has a name of those before. @spec RFC 9068 §2.2 */
export function accessTokenClaims(grant: AccessGrant, issuer: string, jti: TokenId): AccessTokenClaims {
  const issuedAt = seconds(grant.issuedAt);
  const { person, apiKey } = grant;
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
    ...(grant.permissions.length === 0 ? {} : { permissions: grant.permissions }),
    ...(grant.tenant === undefined ? {} : { org_id: grant.tenant }),
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
    ...(apiKey === undefined ? {} : { api_key: apiKey.id }),
    ...(apiKey?.act === undefined ? {} : { act: apiKey.act }),
    ...grant.custom,
  };
}

/** As long as its resource says, and no longer than the family or the key that it belongs to. */
function expiryOf({ issuedAt, resource, person, apiKey }: AccessGrant): EpochSeconds {
  const life = Math.min(resource.accessTokenSeconds, apiKey === undefined ? Infinity : DURATIONS.exchangedTokenMax);
  const end = person?.familyExpiresAt ?? apiKey?.goodUntil;
  const whole = seconds(issuedAt) + life;
  return Math.min(whole, end === undefined ? whole : Math.ceil(end / 1000)) as EpochSeconds;
}
