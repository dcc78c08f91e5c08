import { verifyingSecrets } from '@latchkey/domain/keys/shared-secret';
import { parseId } from '@latchkey/protocol/ids';
import { DURATIONS } from '@latchkey/protocol/limits';
import { fail } from '@latchkey/protocol/result';
import { seconds } from '@latchkey/protocol/types';
import { createAccessTokenDecoder, decodeUnverified } from '@latchkey/tokens/formats/access-token-jwt';
import { keySetOf } from '@latchkey/tokens/keys/key-set';
import { withSharedSecrets } from '@latchkey/tokens/keys/shared-secret';
import type { ProveCredential } from '../credential.ts';
import { proveRecord } from './record.ts';

const decode = createAccessTokenDecoder();
const NO_PUBLIC_KEYS = keySetOf([]);

/** Whether a text says that it is signed under a shared secret. Nobody but its own API believes it. */
export const isUnderSharedSecret = (text: string): boolean => decodeUnverified(text)?.header.alg === 'HS256';

/**
 * A token under a secret that its API shares with the server. The API could have made it itself: so its signature only
 * says that it may be looked up, and what is told is what the server has put down when it made it.
 *
 * @returns what decoding refuses, `shared_secret_token_unknown`, `token_audience_wrong`, `token_expired`, `token_revoked`
 * @spec RFC 8725 §2.1
 */
export const proveSharedSecret: ProveCredential = async (text, resource, server) => {
  const { read } = server.store;
  const { catalogue, now } = await read.moment();
  const secrets = verifyingSecrets((await server.keys.at(catalogue)).sharedSecrets(resource.id), now);
  const keys = withSharedSecrets(
    NO_PUBLIC_KEYS,
    secrets.map(({ key }) => key),
  );
  const { audience, tokenType: typ } = resource;
  const expected = { issuer: server.settings.issuer, audience, typ, leewaySeconds: DURATIONS.leewayDefault };
  const claims = decode(text, keys, expected, seconds(now));
  if (!claims.ok) return claims;
  const jti = parseId('tok', claims.value.jti);
  const record = jti === undefined ? undefined : await read.tokenRecord(jti);
  return record === undefined ? fail('shared_secret_token_unknown') : proveRecord(record, resource, server);
};
