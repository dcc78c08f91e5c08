import { createHmac, timingSafeEqual } from 'node:crypto';
import type { ErrorId } from '@latchkey/protocol/errors';
import { ID_BYTES, idBytes, idText } from '@latchkey/protocol/ids';
import { fail, ok, type Result } from '@latchkey/protocol/result';
import type { FamilyId } from '@latchkey/protocol/types';
import { decodeBase64url, encodeBase64url } from './base64url.ts';

/**
 * A refresh token: which family, which generation, and two MACs. The outer one is made with a key of the server, so
 * that a forgery is refused before any storage is read; the inner one with the family's own seed, so that the server's
 * key alone makes no token. The same generation is always the same text: a successor is derived, never stored.
 *
 * `lk_rt_` base64url( version 1 | key id 4 | family 16 | generation 6 | inner MAC 16 | outer MAC 16 )
 */
export interface RefreshTokenParts {
  readonly keyId: number;
  readonly familyId: FamilyId;
  readonly generation: number;
}

/** A refresh token whose outer MAC holds. */
export interface DecodedRefreshToken extends RefreshTokenParts {
  readonly innerMac: Uint8Array;
}

export const REFRESH_TOKEN_PREFIX = 'lk_rt_';
export const SEED_BYTES = 16;
const VERSION = 1;
const MAC_BYTES = 16;
const FAMILY_AT = 5;
const GENERATION_AT = FAMILY_AT + ID_BYTES;
const INNER_AT = GENERATION_AT + 6;
const OUTER_AT = INNER_AT + MAC_BYTES;
const LENGTH = OUTER_AT + MAC_BYTES;
/** 59 bytes in base64url. */
const TEXT_LENGTH = REFRESH_TOKEN_PREFIX.length + Math.ceil((LENGTH * 4) / 3);

/** Derives the refresh token of a family's generation. */
export function encodeRefreshToken(parts: RefreshTokenParts, seed: Uint8Array, macKey: Uint8Array): string {
  const bytes = new Uint8Array(LENGTH);
  const view = new DataView(bytes.buffer);
  view.setUint8(0, VERSION);
  view.setUint32(1, parts.keyId);
  bytes.set(idBytes(parts.familyId), FAMILY_AT);
  view.setUint16(GENERATION_AT, Math.floor(parts.generation / 2 ** 32));
  view.setUint32(GENERATION_AT + 2, parts.generation % 2 ** 32);
  bytes.set(innerMac(parts, seed), INNER_AT);
  bytes.set(mac(macKey, bytes.subarray(0, OUTER_AT)), OUTER_AT);
  return REFRESH_TOKEN_PREFIX + encodeBase64url(bytes);
}

/**
 * Reads a refresh token and checks its outer MAC, without any storage.
 *
 * @returns `refresh_token_malformed`, `refresh_token_key_unknown`
 */
export function decodeRefreshToken(
  text: string,
  macKeyOf: (keyId: number) => Uint8Array | undefined,
): Result<DecodedRefreshToken, ErrorId> {
  if (text.length !== TEXT_LENGTH || !text.startsWith(REFRESH_TOKEN_PREFIX)) return fail('refresh_token_malformed');
  const bytes = decodeBase64url(text.slice(REFRESH_TOKEN_PREFIX.length));
  if (bytes === undefined || bytes[0] !== VERSION) return fail('refresh_token_malformed');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const keyId = view.getUint32(1);
  const macKey = macKeyOf(keyId);
  if (macKey === undefined) return fail('refresh_token_key_unknown');
  const outer = mac(macKey, bytes.subarray(0, OUTER_AT));
  if (!timingSafeEqual(outer, bytes.subarray(OUTER_AT))) return fail('refresh_token_malformed');
  return ok({
    keyId,
    familyId: idText('fam', bytes.subarray(FAMILY_AT, GENERATION_AT)),
    generation: view.getUint16(GENERATION_AT) * 2 ** 32 + view.getUint32(GENERATION_AT + 2),
    innerMac: bytes.slice(INNER_AT, OUTER_AT),
  });
}

/** Whether the inner MAC of a decoded token was made with this seed. Compares in constant time. */
export const seedMatches = (token: DecodedRefreshToken, seed: Uint8Array): boolean =>
  timingSafeEqual(innerMac(token, seed), token.innerMac);

const mac = (key: Uint8Array, bytes: Uint8Array): Uint8Array =>
  createHmac('sha256', key).update(bytes).digest().subarray(0, MAC_BYTES);

/** The seed is the family's alone, so the generation is all that its MAC needs to say. */
function innerMac({ generation }: RefreshTokenParts, seed: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(generation));
  return mac(seed, bytes);
}
