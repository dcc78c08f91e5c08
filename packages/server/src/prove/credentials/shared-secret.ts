import type { Resource } from '@latchkey/domain/clients/resource';
import { verifyingSecrets } from '@latchkey/domain/keys/shared-secret';
import type { AccessTokenClaims } from '@latchkey/protocol/claims';
import type { ErrorId } from '@latchkey/protocol/errors';
import { parseId } from '@latchkey/protocol/ids';
import { DURATIONS } from '@latchkey/protocol/limits';
import { fail, type Result } from '@latchkey/protocol/result';
import { type EpochSeconds, seconds } from '@latchkey/protocol/types';
import { createAccessTokenDecoder, decodeUnverified } from '@latchkey/tokens/formats/access-token-jwt';
import { keySetOf } from '@latchkey/tokens/keys/key-set';
import { withSharedSecrets } from '@latchkey/tokens/keys/shared-secret';
import type { Server } from '../../server.ts';
import type { ProveCredential } from '../credential-kind.ts';
import { proveRecord } from './record.ts';

const decode = createAccessTokenDecoder();
const NO_PUBLIC_KEYS = keySetOf([]);

/** Whether a text says that it is signed under a shared secret. Nobody but its own API believes it. */
export const isUnderSharedSecret = (text: string): boolean => decodeUnverified(text)?.header.alg === 'HS256';

/**
 * Decodes a token under the secrets that a resource shares with the server.
 *
 * @param at the time to decode it at, in seconds; now unless given
 */
export async function readSharedSecretToken(
  text: string,
  { id, audience, tokenType: typ }: Resource,
  { store, keys: ring, settings: { issuer } }: Server,
  at?: number,
): Promise<Result<AccessTokenClaims, ErrorId>> {
  const { catalogue, now } = await store.read.moment();
  const secrets = verifyingSecrets((await ring.at(catalogue)).sharedSecrets(id), now);
  const keys = withSharedSecrets(
    NO_PUBLIC_KEYS,
    secrets.map(({ key }) => key),
  );
  const expected = { issuer, audience, typ, leewaySeconds: DURATIONS.leewayDefault };
  return decode(text, keys, expected, (at ?? seconds(now)) as EpochSeconds);
}

/**
 * A token under a secret that its API shares with the server. The API could have made it itself: so its signature only
 * says that it may be looked up, and what is told is what the server has put down when it made it.
 *
 * @returns what decoding refuses, `shared_secret_token_unknown`, `token_audience_wrong`, `token_expired`, `token_revoked`
 * @spec RFC 8725 §2.1
 */
export const proveSharedSecret: ProveCredential = async (text, resource, server) => {
  const claims = await readSharedSecretToken(text, resource, server);
  if (!claims.ok) return claims;
  const jti = parseId('tok', claims.value.jti);
  const record = jti === undefined ? undefined : await server.store.read.tokenRecord(jti);
  return record === undefined ? fail('shared_secret_token_unknown') : proveRecord(record, resource, server);
};
