import { expect, test } from 'vitest';
import { parseScope } from './scope.ts';

test('CODE-11 RFC 6749 §3.3: names are separated by single spaces, and repeated ones are folded', () => {
  expect(parseScope('a b a')).toEqual(['a', 'b']);
  for (const text of ['', ' a', 'a ', 'a  b', 'a\tb', '"a"', 'a\\b', 'é']) expect(parseScope(text)).toBeUndefined();
});
