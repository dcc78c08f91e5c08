import { Buffer } from 'node:buffer';
import {
  constants,
  createPrivateKey,
  createPublicKey,
  type KeyObject,
  sign as nodeSign,
  verify as nodeVerify,
} from 'node:crypto';
import type { PublicJwk, SigningAlgorithm } from '@latchkey/protocol/jwk';
import { LIMITS } from '@latchkey/protocol/limits';
import { concatenatedOfDer, DER_BYTES_MAX, derOfConcatenated } from './ecdsa-der.ts';
import { importKeySet, type KeySet } from './key-set.ts';
import type { Signer, VerificationKey } from './signer.ts';

/**
 * Signatures by `node:crypto`, synchronously and with bare `KeyObject`s: options beside the key cost as much as a third
 * of the operation, and a thread pool costs more than that. Only PS256 cannot do without them.
 */

/** The digest that Node is told of; Ed25519 brings its own. */
const DIGEST: Readonly<Record<SigningAlgorithm | 'EdDSA', string | null>> = {
  ES256: 'sha256',
  RS256: 'sha256',
  PS256: 'sha256',
  Ed25519: null,
  EdDSA: null,
};

const RSA_BITS_MIN = 2048;
/** More makes verification a way to keep us busy. */
const RSA_BITS_MAX = 8192;

/** Whether a key is of the kind and strength that its algorithm asks for. @spec RFC 7518 §3.3 to §3.5; RFC 9864 §2.2 */
function fits(key: KeyObject, alg: string): alg is SigningAlgorithm | 'EdDSA' {
  const details = key.asymmetricKeyDetails;
  switch (alg) {
    case 'ES256':
      return key.asymmetricKeyType === 'ec' && details?.namedCurve === 'prime256v1';
    case 'RS256':
    case 'PS256': {
      const bits = details?.modulusLength ?? 0;
      return key.asymmetricKeyType === 'rsa' && bits >= RSA_BITS_MIN && bits <= RSA_BITS_MAX;
    }
    case 'Ed25519':
    case 'EdDSA':
      return key.asymmetricKeyType === 'ed25519';
    default:
      return false;
  }
}

/**
 * The key as Node wants it. A salt of PS256 is as long as the digest, to sign and to verify: no other length is taken.
 *
 * @spec RFC 7518 §3.5
 */
const keyFor = (key: KeyObject, alg: SigningAlgorithm | 'EdDSA') =>
  alg === 'PS256'
    ? { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST }
    : key;

/** Makes a verification key of a public JWK; undefined for one of another kind, too weak, or with private parts. */
export function importVerificationKey(jwk: PublicJwk): VerificationKey | undefined {
  if ('d' in jwk || 'k' in jwk) return undefined;
  const key = publicKeyOf(jwk);
  const { alg, kid }: { alg: string; kid: string } = jwk;
  if (key === undefined || !fits(key, alg)) return undefined;
  const digest = DIGEST[alg];
  const nodeKey = keyFor(key, alg);
  const verifies = (input: string, signature: Uint8Array) => nodeVerify(digest, signedBytes(input), nodeKey, signature);
  if (alg !== 'ES256') return { alg, kid, verifies };
  return {
    alg,
    kid,
    verifies(input, signature) {
      const der = derOfConcatenated(signature, derScratch);
      return der !== undefined && verifies(input, der);
    },
  };
}

/**
 * What was signed, as bytes, in one place that every verification uses again: the call is synchronous, so nobody else
 * sees it, and a token costs no allocation that has to be collected.
 */
const scratch = Buffer.allocUnsafe(LIMITS.tokenMax);
const derScratch = new Uint8Array(new ArrayBuffer(DER_BYTES_MAX));
const signedBytes = (input: string): Uint8Array =>
  input.length <= scratch.length ? scratch.subarray(0, scratch.write(input, 'latin1')) : Buffer.from(input, 'latin1');

function publicKeyOf(jwk: PublicJwk): KeyObject | undefined {
  try {
    return createPublicKey({ key: { ...jwk }, format: 'jwk' });
  } catch (error) {
    if (error instanceof Error) return undefined; // whatever Node and OpenSSL find wrong with it
    throw error;
  }
}

/** Reads a published key set with `node:crypto`. */
export const importNodeKeySet = (json: unknown): KeySet | undefined => importKeySet(json, importVerificationKey);

/** Makes a signer of a private key in PKCS #8 form. Throws when the key is not for the algorithm: that is our bug. */
export function importSigner(alg: SigningAlgorithm, kid: string, pkcs8: Uint8Array): Signer {
  const key = createPrivateKey({ key: Buffer.from(pkcs8), format: 'der', type: 'pkcs8' });
  if (!fits(key, alg)) throw new TypeError(`the key ${kid} is not for ${alg}`);
  const digest = DIGEST[alg];
  const nodeKey = keyFor(key, alg);
  const sign = (input: string): Uint8Array => nodeSign(digest, Buffer.from(input, 'latin1'), nodeKey);
  return { alg, kid, sign: alg === 'ES256' ? (input) => concatenatedOfDer(sign(input)) : sign };
}
