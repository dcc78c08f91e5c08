import { createHash, randomBytes } from 'node:crypto';
import { hostileText } from '@latchkey/testkit/arbitraries/text';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { isCodeChallenge, isCodeVerifier } from './pkce.ts';

const EXAMPLE = 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM'; // RFC 7636 Appendix B

test('PKCE-03 RFC 7636 §4.2: the hash of every verifier is a challenge', () => {
  expect(isCodeChallenge(EXAMPLE)).toBe(true);
  fc.assert(
    fc.property(fc.string(), (verifier) => isCodeChallenge(createHash('sha256').update(verifier).digest('base64url'))),
  );
});

test.each([
  '',
  EXAMPLE.slice(1),
  `${EXAMPLE}A`,
  `${EXAMPLE}=`,
  `${EXAMPLE.slice(0, 42)}=`,
  EXAMPLE.replace('-', '+'),
  EXAMPLE.replace('-', '/'),
  `${EXAMPLE.slice(0, 42)}N`,
  `${EXAMPLE}\n`,
  ` ${EXAMPLE.slice(1)}`,
  'é'.repeat(43),
])('PKCE-03 RFC 7636 §4.2: %j is no challenge', (text) => {
  expect(isCodeChallenge(text)).toBe(false);
});

test('PKCE-03: a last character with stray bits is refused, so that every hash has one spelling', () => {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
  const good = [...alphabet].filter((last) => isCodeChallenge(EXAMPLE.slice(0, 42) + last));
  expect(good).toEqual([...alphabet].filter((_, value) => value % 4 === 0));
});

test.each([
  [42, false],
  [43, true],
  [44, true],
  [127, true],
  [128, true],
  [129, false],
])('PKCE-04 RFC 7636 §4.1: a verifier of %d characters: %s', (length, isGood) => {
  expect(isCodeVerifier('~'.repeat(length))).toBe(isGood);
});

test('PKCE-04 RFC 7636 §4.1: a verifier is of unreserved characters, all of them and no others', () => {
  const good = Array.from({ length: 256 }, (_, code) => String.fromCharCode(code)).filter((one) =>
    isCodeVerifier(one.repeat(43)),
  );
  expect(good.join('')).toBe('-.0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz~');
  expect(isCodeVerifier(randomBytes(32).toString('base64url'))).toBe(true);
  expect(isCodeVerifier(`${'a'.repeat(43)}\n`)).toBe(false);
});

test('PKCE-04: whatever the text, the answer is a boolean', () => {
  fc.assert(fc.property(hostileText, (text) => !isCodeChallenge(text) || /^[\w-]{43}$/.test(text)));
});
