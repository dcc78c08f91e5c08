import type { IdTokenGrant } from '@latchkey/domain/tokens/access-grant';
import { DURATIONS } from '@latchkey/protocol/limits';
import { seconds } from '@latchkey/protocol/types';
import { accessTokenHash, encodeIdToken } from '@latchkey/tokens/formats/id-token';
import type { OpenKeys } from '../keys/key-ring.ts';
import type { Server } from '../server.ts';
import { identityClaims } from './identity-claims.ts';

/**
 * Signs an ID token, under the algorithm that its client expects. It names the session, so that the client knows which
 * one a logout ends.
 *
 * @spec OIDC Core §2, §3.1.3.6; RFC 9068 §5 (never the audience of an access token)
 */
export async function mintIdToken(
  grant: IdTokenGrant,
  accessToken: string,
  keys: OpenKeys,
  server: Server,
): Promise<string> {
  const signer = keys.signer(grant.algorithm);
  const issuedAt = seconds(grant.issuedAt);
  return encodeIdToken(
    {
      ...(await identityClaims(grant.accountId, grant.claims, server)),
      iss: server.settings.issuer,
      sub: grant.subject,
      aud: grant.clientId,
      azp: grant.clientId,
      iat: issuedAt,
      exp: issuedAt + DURATIONS.idToken,
      at_hash: accessTokenHash(accessToken, grant.algorithm),
      ...(grant.nonce === undefined ? {} : { nonce: grant.nonce }),
      ...(grant.authTime === undefined ? {} : { auth_time: grant.authTime }),
      ...(grant.amr.length === 0 ? {} : { amr: grant.amr }),
      ...(grant.acr === undefined ? {} : { acr: grant.acr }),
      ...(grant.sid === undefined ? {} : { sid: grant.sid }),
    },
    signer,
  );
}
