import {
  createPrivateKey,
  createPublicKey,
  createSecretKey,
  diffieHellman,
  generateKeyPair,
  generateKeyPairSync,
  type KeyObject,
  type webcrypto,
} from 'node:crypto';
import { promisify } from 'node:util';
import { ENCRYPTION_ALGORITHMS, type EncryptionAlgorithm, type PublicEncryptionJwk } from '@latchkey/protocol/jwk';
import { LIMITS } from '@latchkey/protocol/limits';
import { thumbprint } from './thumbprint.ts';

/** A key to decrypt tokens with, under the one algorithm that it is for. */
export interface DecryptionKey {
  readonly kid: string;
  readonly alg: EncryptionAlgorithm;
  /** The curve of a key agreement; none of RSA. */
  readonly crv: 'P-256' | 'X25519' | undefined;
  /** How long the encrypted key of a token must be, in bytes. */
  readonly encryptedKeyBytes: number;
  readonly key: KeyObject;
}

const RSA_BITS_MIN = 2048;
/** More makes decryption a way to keep us busy. */
const RSA_BITS_MAX = 4096;
/** Below it lies the exponent 1, under which nothing is hidden, and others that are known to do harm. */
const RSA_EXPONENT_MIN = 65_537n;
/** A content key of 32 bytes, wrapped. @spec RFC 3394 §2.2.1 */
const WRAPPED_KEY_BYTES = 40;

const PRIVATE_MEMBERS = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k', 'priv', 'seed'] as const;
/** A `kid` stands in headers, in logs and on command lines. */
const KID = /^[A-Za-z0-9._~][\x21-\x7e]*$/;

type Jwk = Readonly<Record<string, unknown>>;

/**
 * Reads the public key to which the tokens of an API are to be encrypted. `alg` and `use` may be left out, since the
 * kind of a key says them; what they say otherwise is not overlooked. Undefined for a key that is of no use here: of
 * another kind, too weak, for signatures, or with private parts, which nobody but the API should have.
 *
 * @spec RFC 7517 §4; RFC 7518 §4.3 (at least 2048 bits), §4.6; RFC 8725 §3.4, §3.5 (JWE-02, JWE-07)
 */
export function importEncryptionKey(json: unknown): PublicEncryptionJwk | undefined {
  const jwk = jwkOf(json);
  if (jwk === undefined || PRIVATE_MEMBERS.some((name) => Object.hasOwn(jwk, name))) return undefined;
  const key = keyOf(() => createPublicKey({ key: { ...jwk } as webcrypto.JsonWebKey, format: 'jwk' }));
  const alg = key === undefined ? undefined : algorithmOf(key);
  if (key === undefined || alg === undefined || !isFor(jwk, alg) || isDegenerate(key)) return undefined;
  const members = key.export({ format: 'jwk' });
  const { kid = thumbprint(members) } = jwk;
  return isKid(kid) ? ({ ...members, kid, alg, use: 'enc' } as unknown as PublicEncryptionJwk) : undefined;
}

/**
 * Reads the private key of an API; undefined as above. Here `kid` and `alg` must be given: whoever holds several keys
 * must know which is which.
 */
export function importDecryptionKey(json: unknown): DecryptionKey | undefined {
  const jwk = jwkOf(json);
  if (jwk === undefined || !isKid(jwk.kid)) return undefined;
  const key = keyOf(() => createPrivateKey({ key: { ...jwk } as webcrypto.JsonWebKey, format: 'jwk' }));
  const alg = key === undefined ? undefined : algorithmOf(key);
  if (key === undefined || alg === undefined || jwk.alg !== alg || !isFor(jwk, alg)) return undefined;
  const bits = key.asymmetricKeyDetails?.modulusLength;
  return {
    kid: jwk.kid,
    alg,
    crv: bits === undefined ? curveOf(key) : undefined,
    encryptedKeyBytes: bits === undefined ? WRAPPED_KEY_BYTES : Math.ceil(bits / 8),
    key,
  };
}

const jwkOf = (json: unknown): Jwk | undefined =>
  typeof json === 'object' && json !== null && !Array.isArray(json) ? (json as Jwk) : undefined;

const isKid = (kid: unknown): kid is string => typeof kid === 'string' && kid.length <= LIMITS.kidMax && KID.test(kid);

function keyOf(make: () => KeyObject): KeyObject | undefined {
  try {
    return make();
  } catch (error) {
    if (error instanceof Error) return undefined; // whatever Node and OpenSSL find wrong with it
    throw error;
  }
}

const curveOf = (key: KeyObject): 'P-256' | 'X25519' => (key.asymmetricKeyType === 'ec' ? 'P-256' : 'X25519');

/** The algorithm that a key is for by its kind and strength; undefined where there is none. */
function algorithmOf(key: KeyObject): EncryptionAlgorithm | undefined {
  const { namedCurve, modulusLength = 0, publicExponent = 0n } = { ...key.asymmetricKeyDetails };
  switch (key.asymmetricKeyType) {
    case 'ec':
      return namedCurve === 'prime256v1' ? 'ECDH-ES+A256KW' : undefined;
    case 'x25519':
      return 'ECDH-ES+A256KW';
    case 'rsa': {
      const isStrong = modulusLength >= RSA_BITS_MIN && modulusLength <= RSA_BITS_MAX;
      return isStrong && publicExponent >= RSA_EXPONENT_MIN ? 'RSA-OAEP-256' : undefined;
    }
    default:
      return undefined;
  }
}

/** Whether a JWK says nothing of itself that forbids this use. @spec RFC 7517 §4.2 to §4.4 */
function isFor({ alg, use, key_ops: operations }: Jwk, wanted: EncryptionAlgorithm): boolean {
  if ((alg !== undefined && alg !== wanted) || (use !== undefined && use !== 'enc')) return false;
  return operations === undefined || (Array.isArray(operations) && !operations.some(isOfSignatures));
}

const isOfSignatures = (operation: unknown): boolean => operation === 'sign' || operation === 'verify';

/** A point with which every agreement comes to zero, so that everybody knows the result. @spec RFC 7748 §6.1 */
function isDegenerate(publicKey: KeyObject): boolean {
  if (publicKey.asymmetricKeyType !== 'x25519') return false;
  const { privateKey } = generateKeyPairSync('x25519');
  const agreed = keyOf(() => createSecretKey(diffieHellman({ privateKey, publicKey })));
  return agreed === undefined;
}

/** What an API's tokens can be encrypted to. */
export const ENCRYPTION_CURVES = ['P-256', 'X25519', 'RSA'] as const;
export type EncryptionCurve = (typeof ENCRYPTION_CURVES)[number];

/** A new pair: the public half for the resource, and the private half, which only the API may ever see. */
export interface EncryptionKeyPair {
  readonly publicJwk: PublicEncryptionJwk;
  readonly privateJwk: Readonly<Record<string, unknown>>;
}

const generate = promisify(generateKeyPair);

/** Makes a pair whose `kid` no command line takes for an option. */
export async function generateEncryptionKeyPair(curve: EncryptionCurve): Promise<EncryptionKeyPair> {
  for (;;) {
    const { publicKey, privateKey } = await pairOn(curve);
    const publicJwk = importEncryptionKey(publicKey.export({ format: 'jwk' }));
    if (publicJwk === undefined) continue;
    const { kid, alg, use } = publicJwk;
    return { publicJwk, privateJwk: { ...privateKey.export({ format: 'jwk' }), kid, alg, use } };
  }
}

function pairOn(curve: EncryptionCurve): Promise<{ publicKey: KeyObject; privateKey: KeyObject }> {
  switch (curve) {
    case 'P-256':
      return generate('ec', { namedCurve: 'P-256' });
    case 'X25519':
      return generate('x25519');
    case 'RSA':
      return generate('rsa', { modulusLength: 2048 });
  }
}

/** Whether this is the name of an algorithm that tokens are encrypted with. PBES2 and RSA1_5 are none: they never were. */
export const isEncryptionAlgorithm = (alg: unknown): alg is EncryptionAlgorithm =>
  ENCRYPTION_ALGORITHMS.some((known) => known === alg);
