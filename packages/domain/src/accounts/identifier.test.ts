import { LIMITS } from '@latchkey/protocol/limits';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseIdentifier } from './identifier.ts';

test.each([
  ['alice', 'username', 'alice'],
  ['  Alice ', 'username', 'alice'],
  ['ＡＬＩＣＥ', 'username', 'alice'],
  ['JOSE\u0301', 'username', 'jos\u00e9'],
  ['a.b_c-1', 'username', 'a.b_c-1'],
  ['Alice@Example.COM', 'email', 'alice@example.com'],
])('RFC 8265 §3.3: %j is the %s %j', (text, kind, normalised) => {
  expect(parseIdentifier(text)).toEqual({ kind, normalised, display: text.trim() });
});

test.each([
  '',
  ' ',
  '.alice',
  'al ice',
  'al\u0000ice',
  'al\u200bice',
  'alice@',
  '@example.com',
  'a@b@c.example',
  'a@b',
  'a@example.com,b@example.com',
  'a@example.com;b',
  '<a@example.com>',
  '"a"@example.com',
  'a\\@example.com',
  'group:a@example.com',
  'a@example.com\r\nBcc:b@example.com',
  'a@[127.0.0.1].com',
])('%j is no identifier', (text) => {
  expect(parseIdentifier(text)).toBeUndefined();
});

test.each([
  [LIMITS.identifierMax - 1, true],
  [LIMITS.identifierMax, true],
  [LIMITS.identifierMax + 1, false],
])('a name of %d characters is read: %s', (length, good) => {
  expect(parseIdentifier('a'.repeat(length)) !== undefined).toBe(good);
});

test('what was normalised normalises to itself', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 40 }), (text) => {
      const once = parseIdentifier(text);
      if (once !== undefined) expect(parseIdentifier(once.normalised)?.normalised).toBe(once.normalised);
    }),
  );
});

test.each([
  [4 * LIMITS.identifierMax - 1, true],
  [4 * LIMITS.identifierMax, true],
  [4 * LIMITS.identifierMax + 1, false],
])('a text of %d characters, nearly all of them spaces around a name, is read: %s', (length, good) => {
  expect(parseIdentifier('alice'.padStart(length)) !== undefined).toBe(good);
});
