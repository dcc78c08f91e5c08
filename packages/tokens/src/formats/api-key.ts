import type { ApiKeyTerms } from '@latchkey/protocol/api-key-terms';
import type { ErrorId } from '@latchkey/protocol/errors';
import { parseId } from '@latchkey/protocol/ids';
import { fail, ok, type Result } from '@latchkey/protocol/result';
import type { ApiKeyId } from '@latchkey/protocol/types';
import { crc32 } from './crc32.ts';

/**
 * An API key: an id by which it is looked up, a secret of 256 bits, and a checksum, by which a scanner of published code
 * knows a key from a text that only looks like one, and by which a mistyped one costs no look-up. In base62, so that a
 * double click marks all of it.
 *
 * `lk_live_` or `lk_test_`, the id without its prefix (26), `_`, the secret (43), the checksum of all before it (6)
 */
export interface ApiKeyParts {
  readonly id: ApiKeyId;
  readonly environment: ApiKeyTerms['environment'];
  /** As it stands in the key: its hash is what is kept. */
  readonly secret: string;
}

export const API_KEY_SECRET_BYTES = 32;
const ALPHABET = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const SECRET_LENGTH = 43;
const CHECKSUM_LENGTH = 6;

/** What scanners of published code look for; a match whose checksum is wrong is no key. */
export const API_KEY_PATTERN = 'lk_(?:live|test)_[0-9a-z]{26}_[0-9A-Za-z]{49}';
const FORM = new RegExp(`^${API_KEY_PATTERN}$`);
/** Both environments have names of four letters, so that each part has one place. */
const ID_AT = 'lk_live_'.length;
const SECRET_AT = ID_AT + 26 + 1;
const CHECKSUM_AT = SECRET_AT + SECRET_LENGTH;
const LENGTH = CHECKSUM_AT + CHECKSUM_LENGTH;

/** Spells a key, from its id and the random bytes of its secret. */
export function encodeApiKey(id: ApiKeyId, environment: ApiKeyParts['environment'], secretBytes: Uint8Array): string {
  const text = `lk_${environment}_${id.slice('key_'.length)}_${base62(secretBytes)}`;
  return text + checksum(text);
}

/**
 * Reads a key, without any storage: its form, then its checksum.
 *
 * @returns `api_key_malformed` for every text that is not one
 */
export function parseApiKey(text: string): Result<ApiKeyParts, ErrorId> {
  if (text.length !== LENGTH || !FORM.test(text)) return fail('api_key_malformed');
  if (checksum(text.slice(0, CHECKSUM_AT)) !== text.slice(CHECKSUM_AT)) return fail('api_key_malformed');
  const id = parseId('key', `key_${text.slice(ID_AT, SECRET_AT - 1)}`);
  if (id === undefined) return fail('api_key_malformed');
  return ok({
    id,
    environment: text.startsWith('lk_live_') ? 'live' : 'test',
    secret: text.slice(SECRET_AT, CHECKSUM_AT),
  });
}

/** Whether a text is meant to be a key, well-formed or not. */
export const isApiKeyText = (text: string): boolean => text.startsWith('lk_live_') || text.startsWith('lk_test_');

const checksum = (text: string): string => digits(BigInt(crc32(text)), CHECKSUM_LENGTH);

const base62 = (bytes: Uint8Array): string => digits(BigInt(`0x${Buffer.from(bytes).toString('hex')}`), SECRET_LENGTH);

function digits(value: bigint, length: number): string {
  let text = '';
  for (let rest = value; text.length < length; rest /= 62n) text = ALPHABET.charAt(Number(rest % 62n)) + text;
  return text;
}
