import type { AccessTokenClaims } from '@latchkey/protocol/claims';
import { ID_BYTES, idText } from '@latchkey/protocol/ids';
import type { PublicEncryptionJwk, ResourceAlgorithm } from '@latchkey/protocol/jwk';
import type { Resource } from '../clients/resource.ts';
import type { AccessGrant } from './access-grant.ts';
import { accessTokenClaims } from './access-token-claims.ts';
import { claimsAt, LONGEST_PLACE } from './status-place.ts';

/** A signature, in bytes: our RSA keys have 2048 bits. @spec RFC 7518 §3.1, RFC 8032 §5.1.6 */
const SIGNATURE_BYTES: Readonly<Record<ResourceAlgorithm, number>> = {
  ES256: 64,
  RS256: 256,
  PS256: 256,
  Ed25519: 64,
  HS256: 32,
};

/** A key's id is its thumbprint by SHA-256. @spec RFC 7638 §3 */
const KID = 'k'.repeat(43);

/** Ids are all of one length, so that any stands for the one that the token gets when it is minted. */
const JTI = idText('tok', new Uint8Array(ID_BYTES));

const UTF8 = new TextEncoder();
const jsonBytes = (value: unknown): number => UTF8.encode(JSON.stringify(value)).length;
const base64urlLength = (bytes: number): number => Math.ceil((bytes * 4) / 3);

/** How long a signed token is, to the byte, before anybody signs it. @spec RFC 7515 §7.1 */
export function signedTokenBytes(claims: AccessTokenClaims, { algorithm, tokenType }: Resource): number {
  const header = jsonBytes({ alg: algorithm, kid: KID, typ: tokenType });
  const parts = [header, jsonBytes(claims), SIGNATURE_BYTES[algorithm]];
  return parts.map(base64urlLength).reduce((sum, length) => sum + length) + 2;
}

const COORDINATE = 'x'.repeat(43);
const CONTENT = { iv: 12, tag: 16 } as const;
/** A content key of 32 bytes, wrapped. @spec RFC 3394 §2.2.1 */
const WRAPPED_KEY_BYTES = 40;

/** How long a signed token becomes when it is encrypted to a key: AES-GCM adds nothing to its text. @spec RFC 7516 §7.1 */
export function encryptedTokenBytes(signed: number, { kty, alg, kid, crv, n = '' }: PublicEncryptionJwk): number {
  const ephemeral = { x: COORDINATE, crv, kty, ...(kty === 'EC' ? { y: COORDINATE } : {}) };
  const header = { alg, enc: 'A256GCM', cty: 'JWT', kid, ...(kty === 'RSA' ? {} : { epk: ephemeral }) };
  const encryptedKey = kty === 'RSA' ? Math.floor((n.length * 3) / 4) : WRAPPED_KEY_BYTES;
  const parts = [jsonBytes(header), encryptedKey, CONTENT.iv, signed, CONTENT.tag];
  return parts.map(base64urlLength).reduce((sum, length) => sum + length) + 4;
}

const NAMED = 3;

/**
 * Says what makes a token larger than its resource allows, by names and never by values; undefined when it fits. The text
 * of an opaque token is always as long. A place in a status list counts as the longest that there is, since it is taken
 * when the token is made: a token that fits then fits with any.
 *
 * A token that is too large fails at whatever stands before the API: headers have limits of a few kilobytes. It is
 * refused where it is made, and where somebody can do something about it.
 */
export function excessOf(grant: AccessGrant, issuer: string): string | undefined {
  const { resource } = grant;
  if (resource.format === 'opaque') return undefined;
  const said = accessTokenClaims(grant, issuer, JTI);
  const claims = resource.hasStatusList ? claimsAt(LONGEST_PLACE, said) : said;
  const signed = signedTokenBytes(claims, resource);
  const { format, encryptionKey } = resource;
  const bytes = format === 'jwe' && encryptionKey !== undefined ? encryptedTokenBytes(signed, encryptionKey) : signed;
  if (bytes <= resource.accessTokenBytes) return undefined;
  const largest = Object.entries(claims)
    .map(([claim, value]) => ({ claim, bytes: jsonBytes({ [claim]: value }) - '{}'.length }))
    .sort((one, other) => other.bytes - one.bytes)
    .slice(0, NAMED)
    .map((one) => `${one.claim} ${one.bytes}`);
  return `It would have ${bytes} bytes where ${resource.accessTokenBytes} may be; the largest claims: ${largest.join(', ')}.`;
}
