import { scopeName, scope as someScope } from '@latchkey/testkit/arbitraries/scope';
import { damaged, hostileText } from '@latchkey/testkit/arbitraries/text';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { LIMITS } from './limits.ts';
import { formatScope, intersect, isScopeName, isSubset, parseScope } from './scope.ts';

test('CODE-11 RFC 6749 §3.3: names are separated by single spaces, and repeated ones are folded', () => {
  expect(parseScope('a b a')).toEqual(['a', 'b']);
  for (const text of ['', ' a', 'a ', 'a  b', 'a\tb', 'a\nb', 'a\n', '"a"', 'a\\b', 'é', 'a\u007f', '\u0000'])
    expect(parseScope(text)).toBeUndefined();
});

test('CODE-11: every character of %x21, %x23-5B and %x5D-7E may stand in a name, and no other', () => {
  const good = Array.from({ length: 256 }, (_, code) => String.fromCharCode(code)).filter(isScopeName);
  const expected = Array.from({ length: 0x7e - 0x20 }, (_, index) => String.fromCharCode(0x21 + index));
  expect(good).toEqual(expected.filter((character) => character !== '"' && character !== '\\'));
});

test('CODE-11: whatever the text, it is read exactly if the grammar and the limits say so', () => {
  fc.assert(
    fc.property(fc.oneof(hostileText, damaged(someScope.map(formatScope))), (text) => {
      const fits = text.length <= LIMITS.scopeCharactersMax && text.split(' ').length <= LIMITS.scopeNamesMax;
      const isScope = fits && /^[!#-[\]-~]+( [!#-[\]-~]+)*$(?!\n)/.test(text);
      const read = parseScope(text);
      expect(read).toEqual(isScope ? [...new Set(text.split(' '))] : undefined);
    }),
    { numRuns: 500 },
  );
});

test('what is written is read', () => {
  fc.assert(
    fc.property(someScope, (scope) => {
      fc.pre(formatScope(scope).length <= LIMITS.scopeCharactersMax);
      expect(parseScope(formatScope(scope))).toEqual(scope);
    }),
  );
});

test.each([
  [LIMITS.scopeNamesMax - 1, true],
  [LIMITS.scopeNamesMax, true],
  [LIMITS.scopeNamesMax + 1, false],
])('a scope of %d names is read: %s', (count, isRead) => {
  const names = Array.from({ length: count }, (_, index) => `s${index}`);
  expect(parseScope(names.join(' '))).toEqual(isRead ? names : undefined);
});

test.each([
  [LIMITS.scopeCharactersMax - 1, true],
  [LIMITS.scopeCharactersMax, true],
  [LIMITS.scopeCharactersMax + 1, false],
])('a scope of %d characters is read: %s', (length, isRead) => {
  expect(parseScope('x'.repeat(length)) !== undefined).toBe(isRead);
});

test('RT-09: narrowing never widens: what both know is a part of each, and the whole of a part', () => {
  fc.assert(
    fc.property(fc.array(scopeName), fc.array(scopeName), (a, b) => {
      const both = intersect(a, b);
      expect([isSubset(both, a), isSubset(both, b)]).toEqual([true, true]);
      expect(isSubset(a, b)).toBe(intersect(a, b).length === a.length);
      expect(isSubset(a, b) && isSubset(b, a)).toBe(
        [...new Set(a)].sort().join(' ') === [...new Set(b)].sort().join(' '),
      );
    }),
  );
});
