import { crc32 as zlibCrc32 } from 'node:zlib';
import { idText } from '@latchkey/protocol/ids';
import type { ApiKeyId } from '@latchkey/protocol/types';
import { hostileText } from '@latchkey/testkit/arbitraries/text';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { API_KEY_PATTERN, encodeApiKey, isApiKeyText, parseApiKey } from './api-key.ts';
import { crc32 } from './crc32.ts';

const id: ApiKeyId = idText('key', new Uint8Array(16).fill(1));
const key = encodeApiKey(id, 'live', new Uint8Array(32).fill(7));
const MALFORMED = { ok: false, error: 'api_key_malformed' };

/** The same text with a checksum that fits. */
const sealed = (text: string): string => {
  const alphabet = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
  let rest = zlibCrc32(text);
  let sum = '';
  for (; sum.length < 6; rest = Math.floor(rest / 62)) sum = alphabet.charAt(rest % 62) + sum;
  return text + sum;
};

test('APK-01: a key says its environment and its id, and is found by the published pattern', () => {
  expect(key).toMatch(new RegExp(`^${API_KEY_PATTERN}$`));
  expect(key.startsWith(`lk_live_${id.slice(4)}_`)).toBe(true);
  expect(sealed(key.slice(0, -6))).toBe(key);
  expect(encodeApiKey(id, 'test', new Uint8Array(32))).toMatch(/^lk_test_[0-9a-z]{26}_0{43}[0-9A-Za-z]{6}$/);
  expect(encodeApiKey(id, 'live', new Uint8Array(32).fill(255)).length).toBe(key.length);
});

test('what is encoded is parsed, and no two secrets are spelt alike', () => {
  const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
  fc.assert(
    fc.property(bytes(16), fc.constantFrom('live' as const, 'test' as const), bytes(32), bytes(32), (of, env, a, b) => {
      const given = idText('key', of);
      const parsed = parseApiKey(encodeApiKey(given, env, a));
      expect(parsed.ok && { id: parsed.value.id, environment: parsed.value.environment }).toEqual({
        id: given,
        environment: env,
      });
      const other = parseApiKey(encodeApiKey(given, env, b));
      const isSame = Buffer.compare(a, b) === 0;
      expect(parsed.ok && other.ok && parsed.value.secret === other.value.secret).toBe(isSame);
    }),
  );
});

test('APK-01: each of the 256 bits of a secret counts', () => {
  const secrets = Array.from({ length: 256 }, (_, bit) => {
    const parsed = parseApiKey(
      encodeApiKey(id, 'live', new Uint8Array(32).fill(1 << (bit & 7), bit >> 3, (bit >> 3) + 1)),
    );
    return parsed.ok ? parsed.value.secret : '';
  });
  expect(new Set(secrets).size).toBe(256);
});

test('APK-04: no character of a key can be changed, left out or added', () => {
  for (let index = 0; index < key.length; index++) {
    const other = key[index] === 'a' ? 'b' : 'a';
    expect(parseApiKey(key.slice(0, index) + other + key.slice(index + 1))).toEqual(MALFORMED);
    expect(parseApiKey(key.slice(0, index) + key.slice(index + 1))).toEqual(MALFORMED);
  }
});

test('APK-04: every text that is no key gets one answer', () => {
  const texts = [
    '',
    ' ',
    'null',
    'undefined',
    'lk_live_',
    'lk_live_null',
    `${key} `,
    ` ${key}`,
    `${key}\n`,
    `${key}${key}`,
  ];
  const wrong = [key.toUpperCase(), key.toLowerCase(), 'x'.repeat(1_048_576), `${key.slice(0, -1)}\u00e9`];
  for (const text of [...texts, ...wrong]) expect(parseApiKey(text)).toEqual(MALFORMED);
  const body = key.slice(0, -6);
  const inForm = [
    body.replace('lk_live', 'lk_prod'),
    body.replace(id.slice(4), `i${id.slice(5)}`), // not a letter of an id
    body.replace(id.slice(4), `8${id.slice(5)}`), // more than sixteen bytes
    `${body.slice(0, -1)}-`,
  ];
  expect(parseApiKey(sealed(body)).ok).toBe(true);
  for (const text of inForm) expect(parseApiKey(sealed(text))).toEqual(MALFORMED);
});

test('APK-04: whatever the text, nothing throws', () => {
  fc.assert(
    fc.property(hostileText, (text) => {
      expect(parseApiKey(text)).toEqual(MALFORMED);
    }),
  );
  fc.assert(
    fc.property(hostileText, (text) => {
      expect(parseApiKey(`lk_live_${text}`)).toEqual(MALFORMED);
    }),
  );
});

test('a text that begins like a key is meant to be one, in either environment', () => {
  expect([key, 'lk_test_', 'lk_live', 'lk_at_x', ''].map(isApiKeyText)).toEqual([true, true, false, false, false]);
});

test('the checksum is that of zlib', () => {
  expect(crc32('123456789')).toBe(0xcbf43926);
  fc.assert(
    fc.property(fc.string({ unit: 'binary-ascii' }), (text) => {
      expect(crc32(text)).toBe(zlibCrc32(text));
    }),
  );
});
