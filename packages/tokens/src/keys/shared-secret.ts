import { createHmac, createSecretKey, timingSafeEqual } from 'node:crypto';
import { fail } from '@latchkey/protocol/result';
import { decodeBase64url } from '../formats/base64url.ts';
import type { KeySet } from './key-set.ts';
import type { Signer, VerificationKey } from './signer.ts';

/** At least as long as the hash. @spec RFC 7518 §3.2 (JWT-11) */
const BYTES_MIN = 32;
const BYTES_MAX = 256;

/** A secret that the server shares with one API, for HS256 and nothing else. */
export type SharedSecret = Signer & VerificationKey & { readonly alg: 'HS256' };

/**
 * Makes a key of HS256 of the bytes of a secret. There is no way to make one of anything else: a public key, a PEM or a
 * JWK never comes here, and a secret never into a key set that somebody publishes.
 *
 * @throws TypeError for a secret that is too short
 * @spec RFC 7518 §3.2, RFC 8725 §2.1
 */
export function importSharedSecret(kid: string, bytes: Uint8Array): SharedSecret {
  if (bytes.length < BYTES_MIN || bytes.length > BYTES_MAX)
    throw new TypeError(`the shared secret ${kid} has not ${BYTES_MIN} to ${BYTES_MAX} bytes`);
  const key = createSecretKey(bytes);
  const sign = (input: string): Uint8Array => createHmac('sha256', key).update(input, 'latin1').digest();
  return {
    alg: 'HS256',
    kid,
    sign,
    verifies(input, signature) {
      const expected = sign(input);
      return signature.length === expected.length && timingSafeEqual(signature, expected);
    },
  };
}

/** The bytes of a secret as it is told: base64url, long enough. Undefined for any other text. */
export function parseSharedSecret(text: unknown): Uint8Array | undefined {
  const bytes = typeof text === 'string' ? decodeBase64url(text) : undefined;
  return bytes !== undefined && bytes.length >= BYTES_MIN && bytes.length <= BYTES_MAX ? bytes : undefined;
}

/**
 * A key set with the secrets of one API beside the public keys. HS256 is looked for among the secrets only, by `kid`, and
 * nothing else is: whatever a header says, no public key becomes a secret.
 *
 * @spec RFC 8725 §3.1
 */
export function withSharedSecrets(keys: KeySet, secrets: readonly SharedSecret[]): KeySet {
  if (secrets.length === 0) return keys;
  const byKid = new Map(secrets.map((secret) => [secret.kid, secret]));
  return {
    kids: [...keys.kids, ...byKid.keys()],
    find(header) {
      const secret = header.kid === undefined ? undefined : byKid.get(header.kid);
      if (secret === undefined) return header.alg === 'HS256' ? fail('token_algorithm_refused') : keys.find(header);
      return header.alg === 'HS256' ? { ok: true, value: secret } : fail('token_algorithm_refused');
    },
  };
}
