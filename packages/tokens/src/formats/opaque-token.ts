import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import type { ErrorId } from '@latchkey/protocol/errors';
import { fail, ok, type Result } from '@latchkey/protocol/result';
import type { Sha256 } from '@latchkey/protocol/types';
import { decodeBase64url, encodeBase64url } from './base64url.ts';

/**
 * An opaque access token: random bytes, and a MAC with a key of the server, so that a forgery is refused before any
 * storage is read. What it allows stands in a row, which is found by the hash of the random bytes: neither the database
 * nor the key makes a token.
 *
 * `lk_at_` base64url( version 1 | key id 4 | random 16 | MAC 16 )
 */
export interface OpaqueTokenParts {
  readonly keyId: number;
  readonly random: Uint8Array;
}

/** An opaque token whose MAC holds, and by what its row is found. */
export interface DecodedOpaqueToken {
  readonly keyId: number;
  readonly handle: Sha256;
}

export const OPAQUE_TOKEN_PREFIX = 'lk_at_';
export const OPAQUE_RANDOM_BYTES = 16;
const VERSION = 1;
const MAC_BYTES = 16;
const RANDOM_AT = 5;
const MAC_AT = RANDOM_AT + OPAQUE_RANDOM_BYTES;
const LENGTH = MAC_AT + MAC_BYTES;
const TEXT_LENGTH = OPAQUE_TOKEN_PREFIX.length + Math.ceil((LENGTH * 4) / 3);

/** Makes the text of an opaque token. */
export function encodeOpaqueToken({ keyId, random }: OpaqueTokenParts, macKey: Uint8Array): string {
  const bytes = new Uint8Array(LENGTH);
  const view = new DataView(bytes.buffer);
  view.setUint8(0, VERSION);
  view.setUint32(1, keyId);
  bytes.set(random, RANDOM_AT);
  bytes.set(mac(macKey, bytes.subarray(0, MAC_AT)), MAC_AT);
  return OPAQUE_TOKEN_PREFIX + encodeBase64url(bytes);
}

/** By what the row of an opaque token is found. */
export const opaqueHandle = (random: Uint8Array): Sha256 =>
  createHash('sha256').update(random).digest('base64url') as Sha256;

/**
 * Reads an opaque token and checks its MAC, without any storage.
 *
 * @returns `opaque_token_malformed`, `opaque_token_key_unknown`
 */
export function decodeOpaqueToken(
  text: string,
  macKeyOf: (keyId: number) => Uint8Array | undefined,
): Result<DecodedOpaqueToken, ErrorId> {
  if (text.length !== TEXT_LENGTH || !text.startsWith(OPAQUE_TOKEN_PREFIX)) return fail('opaque_token_malformed');
  const bytes = decodeBase64url(text.slice(OPAQUE_TOKEN_PREFIX.length));
  if (bytes === undefined || bytes[0] !== VERSION) return fail('opaque_token_malformed');
  const keyId = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getUint32(1);
  const macKey = macKeyOf(keyId);
  if (macKey === undefined) return fail('opaque_token_key_unknown');
  if (!timingSafeEqual(mac(macKey, bytes.subarray(0, MAC_AT)), bytes.subarray(MAC_AT)))
    return fail('opaque_token_malformed');
  return ok({ keyId, handle: opaqueHandle(bytes.subarray(RANDOM_AT, MAC_AT)) });
}

/**
 * Refresh tokens have their MAC under the same keys, over bytes that begin with their version: what is made here begins
 * with other bytes, so that neither MAC stands for the other.
 */
const mac = (key: Uint8Array, bytes: Uint8Array): Uint8Array =>
  createHmac('sha256', key).update(OPAQUE_TOKEN_PREFIX).update(bytes).digest().subarray(0, MAC_BYTES);
