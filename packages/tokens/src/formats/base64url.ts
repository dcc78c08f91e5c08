const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
const VALUES = new Int8Array(128).fill(-1);
for (let value = 0; value < ALPHABET.length; value++) VALUES[ALPHABET.charCodeAt(value)] = value;

/**
 * Decodes base64url without padding. Undefined for anything else, also for a last character with stray bits: every
 * sequence of bytes has exactly one spelling, so that no two texts are the same token.
 *
 * Where there is a `Buffer` it decodes many times faster, but lets through what is not canonical: so its result must
 * spell the same text again.
 *
 * @spec RFC 7515 §2, RFC 4648 §3.5
 */
export const decodeBase64url: (text: string) => Uint8Array | undefined =
  typeof Buffer === 'undefined' ? decodePortably : decodeWithBuffer;

function decodeWithBuffer(text: string): Uint8Array | undefined {
  const bytes = Buffer.from(text, 'base64url');
  return bytes.toString('base64url') === text
    ? new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length)
    : undefined;
}

/** The same in any JavaScript engine. */
export function decodePortably(text: string): Uint8Array | undefined {
  const rest = text.length % 4;
  if (rest === 1) return undefined;
  const bytes = new Uint8Array((text.length * 3) >> 2);
  let buffer = 0;
  let bits = 0;
  let filled = 0;
  for (let index = 0; index < text.length; index++) {
    const value = VALUES[text.charCodeAt(index)] ?? -1;
    if (value < 0) return undefined;
    buffer = ((buffer << 6) | value) & 0xffffff;
    bits += 6;
    if (bits < 8) continue;
    bits -= 8;
    bytes[filled++] = (buffer >> bits) & 255;
  }
  return (buffer & ((1 << bits) - 1)) === 0 ? bytes : undefined;
}

/** Encodes bytes as base64url without padding. */
export const encodeBase64url: (bytes: Uint8Array) => string =
  typeof Buffer === 'undefined'
    ? encodePortably
    : (bytes) => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64url');

const ENCODER = new TextEncoder();

/** Encodes the UTF-8 of a text as base64url without padding. */
export const encodeTextBase64url: (text: string) => string =
  typeof Buffer === 'undefined'
    ? (text) => encodePortably(ENCODER.encode(text))
    : (text) => Buffer.from(text).toString('base64url');

export function encodePortably(bytes: Uint8Array): string {
  let text = '';
  let buffer = 0;
  let bits = 0;
  for (const byte of bytes) {
    buffer = ((buffer << 8) | byte) & 0xffff;
    bits += 8;
    while (bits >= 6) {
      bits -= 6;
      text += ALPHABET.charAt((buffer >> bits) & 63);
    }
  }
  return bits === 0 ? text : text + ALPHABET.charAt((buffer << (6 - bits)) & 63);
}
