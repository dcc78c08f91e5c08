import { createHash, createPublicKey, type webcrypto } from 'node:crypto';
import type { ErrorId } from '@latchkey/protocol/errors';
import type { EncryptionAlgorithm, PublicEncryptionJwk } from '@latchkey/protocol/jwk';
import { LIMITS } from '@latchkey/protocol/limits';
import { fail, ok, type Result } from '@latchkey/protocol/result';
import type { Sha256 } from '@latchkey/protocol/types';
import { JOSEError } from 'jose/errors';
import { compactDecrypt } from 'jose/jwe/compact/decrypt';
import { CompactEncrypt } from 'jose/jwe/compact/encrypt';
import { type DecryptionKey, isEncryptionAlgorithm } from '../keys/encryption-key.ts';
import { decodeBase64url } from './base64url.ts';
import { member, parseStrictJson } from './strict-json.ts';

/** The one way in which content is encrypted here. @spec RFC 7518 §5.3 */
const CONTENT_ENCRYPTION = 'A256GCM';
const IV_BYTES = 12;
const TAG_BYTES = 16;
const PARTS = 5;
const COORDINATE_BYTES = 32;

const ASCII = new TextEncoder();
const TEXT = new TextDecoder('latin1');

/**
 * Encrypts a signed token to its API: a nested JWT. Each token has a content key of its own, so that no key ever sees
 * two initialisation vectors.
 *
 * @spec RFC 7519 §5.2, RFC 7516 §7.1 (JWE-05, JWE-08)
 */
export function encryptToken(jwt: string, to: PublicEncryptionJwk): Promise<string> {
  const key = createPublicKey({ key: { ...to } as webcrypto.JsonWebKey, format: 'jwk' });
  return new CompactEncrypt(ASCII.encode(jwt))
    .setProtectedHeader({ alg: to.alg, enc: CONTENT_ENCRYPTION, cty: 'JWT', kid: to.kid })
    .encrypt(key);
}

/** Whether a text has the five parts of an encrypted token; a signed one has three. */
export function isEncryptedToken(token: string): boolean {
  let dots = 0;
  for (let at = token.indexOf('.'); at >= 0 && dots < PARTS; at = token.indexOf('.', at + 1)) dots += 1;
  return dots === PARTS - 1;
}

/**
 * By what the row of an encrypted token is found again: the server that made it cannot read it. Undefined for a text that
 * is none, so that nothing is looked up for it.
 */
export const encryptedTokenHandle = (token: string): Sha256 | undefined =>
  parseEncrypted(token).ok ? (createHash('sha256').update(token).digest('base64url') as Sha256) : undefined;

/** The key that a token says it is encrypted to: to tell people, never to decide by. */
export function encryptedTokenKeyId(token: string): string | undefined {
  const jwe = parseEncrypted(token);
  return jwe.ok ? jwe.value.kid : undefined;
}

/** Decrypts a token. What comes out is a text that anybody may have written: it is believed when its signature is. */
export type DecryptToken = (token: string) => Promise<Result<string, ErrorId>>;

/**
 * Decrypts tokens with the keys that an API holds. Everything that can be decided before a key is used is decided here,
 * by lists of what is allowed: no compression, no extension, no password, no algorithm but the key's own. What is left
 * to fail then is one failure, whichever part was changed, after the same work: for a content key that does not unwrap
 * another one is tried.
 *
 * @returns `token_too_large`, `token_malformed`, `token_critical_header`, `token_algorithm_refused`,
 *   `token_decryption_failed`
 * @spec RFC 7516 §5.2, §11.5; RFC 8725 §3.1 to §3.4, §3.6 (JWE-01 to JWE-06)
 */
export function createTokenDecrypter(keys: readonly DecryptionKey[]): DecryptToken {
  return async (token) => {
    const jwe = parseEncrypted(token);
    if (!jwe.ok) return jwe;
    const { alg, kid, epk, encryptedKeyBytes } = jwe.value;
    const key = keyOf(keys, alg, kid);
    if (key === undefined) return fail('token_decryption_failed');
    if (key.alg !== alg) return fail('token_algorithm_refused');
    if (!isEphemeralKey(epk, key) || encryptedKeyBytes !== key.encryptedKeyBytes) return fail('token_malformed');
    const plaintext = await decrypt(token, key);
    return plaintext === undefined ? fail('token_decryption_failed') : ok(TEXT.decode(plaintext));
  };
}

async function decrypt(token: string, { alg, key }: DecryptionKey): Promise<Uint8Array | undefined> {
  try {
    const options = { keyManagementAlgorithms: [alg], contentEncryptionAlgorithms: [CONTENT_ENCRYPTION] };
    return (await compactDecrypt(token, key, options)).plaintext;
  } catch (error) {
    // what the library says of what it was given, and what Web Crypto says of a point that is on no curve
    const isAboutToken = error instanceof JOSEError || error instanceof DOMException;
    if (isAboutToken || error instanceof TypeError) return undefined;
    throw error;
  }
}

/** What of the header of an encrypted token is used. */
interface JweHeader {
  readonly alg: EncryptionAlgorithm;
  readonly kid: string | undefined;
  readonly epk: unknown;
}

interface EncryptedToken extends JweHeader {
  readonly encryptedKeyBytes: number;
}

/** Takes a token apart as far as it must be before a key is used. */
function parseEncrypted(token: string): Result<EncryptedToken, ErrorId> {
  if (token.length > LIMITS.tokenMax) return fail('token_too_large');
  if (!isEncryptedToken(token)) return fail('token_malformed');
  const [header, encryptedKey, iv, ciphertext, tag] = token.split('.').map(decodeBase64url);
  if (header === undefined || encryptedKey === undefined || ciphertext === undefined) return fail('token_malformed');
  if (iv?.length !== IV_BYTES || tag?.length !== TAG_BYTES) return fail('token_malformed');
  const read = parseHeader(header);
  return typeof read === 'string' ? fail(read) : ok({ ...read, encryptedKeyBytes: encryptedKey.length });
}

function parseHeader(bytes: Uint8Array): JweHeader | ErrorId {
  const header = parseStrictJson(bytes);
  if (header === undefined) return 'token_malformed';
  if (Object.hasOwn(header, 'crit') || Object.hasOwn(header, 'b64')) return 'token_critical_header';
  const [alg, kid] = [member(header, 'alg'), member(header, 'kid')];
  if (!isKid(kid)) return 'token_malformed';
  if (!isEncryptionAlgorithm(alg) || member(header, 'enc') !== CONTENT_ENCRYPTION) return 'token_algorithm_refused';
  if (Object.hasOwn(header, 'zip')) return 'token_algorithm_refused';
  return isJwt(member(header, 'cty')) ? { alg, kid, epk: member(header, 'epk') } : 'token_type_wrong';
}

const isKid = (kid: unknown): kid is string | undefined =>
  kid === undefined || (typeof kid === 'string' && kid.length <= LIMITS.kidMax);

/** @spec RFC 7519 §5.2 (nested JWTs must say so) */
const isJwt = (cty: unknown): boolean =>
  typeof cty === 'string' && cty.toLowerCase().replace(/^application\//, '') === 'jwt';

/** A `kid` is text to look up. Without one the key must be beyond doubt. */
function keyOf(keys: readonly DecryptionKey[], alg: string, kid: string | undefined): DecryptionKey | undefined {
  const fitting = keys.filter((key) => (kid === undefined ? key.alg === alg : key.kid === kid));
  return fitting.length === 1 ? fitting[0] : undefined;
}

/**
 * Whether the sender's half of a key agreement is public, and on the curve of our half; with RSA there is none. That the
 * point lies on its curve is looked at where it is used.
 *
 * @spec RFC 7518 §4.6.1.1 (JWE-02)
 */
function isEphemeralKey(epk: unknown, { crv }: DecryptionKey): boolean {
  if (crv === undefined || typeof epk !== 'object' || epk === null) return crv === undefined && epk === undefined;
  const { kty, crv: curve, x, y, ...rest } = epk as Readonly<Record<string, unknown>>;
  if (curve !== crv || kty !== (crv === 'P-256' ? 'EC' : 'OKP') || Object.hasOwn(rest, 'd')) return false;
  return isCoordinate(x) && (crv === 'P-256' ? isCoordinate(y) : y === undefined);
}

const isCoordinate = (text: unknown): boolean =>
  typeof text === 'string' && decodeBase64url(text)?.length === COORDINATE_BYTES;
