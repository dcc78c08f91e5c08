import type {
  AccountId,
  ApiKeyId,
  AttemptId,
  ClientId,
  EpochMilliseconds,
  FamilyId,
  ResourceId,
  SecretId,
  SessionId,
  TokenId,
} from './types.ts';

/**
 * Identifiers: 16 bytes, of which the first six are the time in milliseconds and ten are random, so that they sort by
 * age. On the wire a prefix says what is named, and 26 characters of Crockford's base32 keep the order of the bytes.
 * The prefix keeps accounts, clients and everything else disjoint.
 *
 * @spec RFC 9700 §4.15 (a client must not choose an id that is somebody's `sub`)
 */
export interface Ids {
  readonly acc: AccountId;
  readonly cli: ClientId;
  readonly res: ResourceId;
  readonly ses: SessionId;
  readonly fam: FamilyId;
  readonly tok: TokenId;
  readonly sec: SecretId;
  readonly key: ApiKeyId;
  readonly att: AttemptId;
}

export type IdPrefix = keyof Ids;

const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz';
/** Two characters of each ten bits: a request reads and writes a dozen ids. */
const PAIRS = [...ALPHABET].flatMap((one) => [...ALPHABET].map((other) => one + other));
/** The value of each character, by its code. */
const VALUES = new DataView(new ArrayBuffer(128));
for (let value = 0; value < ALPHABET.length; value++) VALUES.setUint8(ALPHABET.charCodeAt(value), value);
const FORM = /^[0-7][0-9a-hjkmnp-tv-z]{25}$/;
export const ID_BYTES = 16;
export const ID_RANDOM_BYTES = 10;

/** Makes an id of the time and ten random bytes. */
export function makeId<P extends IdPrefix>(prefix: P, now: EpochMilliseconds, random: Uint8Array): Ids[P] {
  const bytes = new Uint8Array(ID_BYTES);
  let rest: number = now;
  for (let index = 5; index >= 0; index--) {
    bytes[index] = rest % 256;
    rest = Math.floor(rest / 256);
  }
  bytes.set(random.subarray(0, ID_RANDOM_BYTES), 6);
  return idText(prefix, bytes);
}

/** The wire form of an id's 16 bytes. */
export function idText<P extends IdPrefix>(prefix: P, bytes: Uint8Array): Ids[P] {
  let text = `${prefix}_`;
  let buffer = 0;
  let bits = 2; // 26 characters hold 130 bits: two leading zero bits come first
  for (const byte of bytes) {
    buffer = ((buffer & 1023) << 8) | byte;
    bits += 8;
    if (bits < 10) continue;
    bits -= 10;
    text += PAIRS[(buffer >> bits) & 1023];
  }
  return text as unknown as Ids[P];
}

/** The 16 bytes of an id that this system has made. A text of another form is a bug in the caller, and throws. */
export function idBytes(id: Ids[IdPrefix]): Uint8Array {
  const text = id.slice(id.indexOf('_') + 1);
  if (!FORM.test(text)) throw new TypeError('not an id');
  const bytes = new Uint8Array(ID_BYTES);
  let buffer = 0;
  let bits = -2; // the two leading zero bits are not part of the bytes
  let filled = 0;
  for (let index = 0; index < text.length; index++) {
    buffer = ((buffer & 255) << 5) | VALUES.getUint8(text.charCodeAt(index));
    bits += 5;
    if (bits < 8) continue;
    bits -= 8;
    bytes[filled++] = (buffer >> bits) & 255;
  }
  return bytes;
}

/** Reads an id from outside; undefined when the text is not in the form that `makeId` gives, to the letter. */
export const parseId = <P extends IdPrefix>(prefix: P, text: string): Ids[P] | undefined =>
  text.startsWith(`${prefix}_`) && FORM.test(text.slice(prefix.length + 1)) ? (text as unknown as Ids[P]) : undefined;
