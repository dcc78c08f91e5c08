import { idPrefix, idRandom, idTime, idBytes as someBytes } from '@latchkey/testkit/arbitraries/id';
import { damaged, hostileText } from '@latchkey/testkit/arbitraries/text';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { idBytes, idText, makeId, parseId } from './ids.ts';
import type { EpochMilliseconds, FamilyId } from './types.ts';

test('what is encoded is decoded, and read back as the same id', () => {
  fc.assert(
    fc.property(idPrefix, someBytes, (prefix, bytes) => {
      const id = idText(prefix, bytes);
      expect(id).toMatch(/^[a-z]{3}_[0-7][0-9a-hjkmnp-tv-z]{25}$/);
      expect(idBytes(id)).toEqual(bytes);
      expect(parseId(prefix, id)).toBe(id);
    }),
  );
});

test('an id that was made later sorts later, whatever is random in it', () => {
  fc.assert(
    fc.property(idPrefix, idTime, idTime, idRandom, idRandom, (prefix, a, b, first, second) => {
      fc.pre(a !== b);
      expect(makeId(prefix, a, first) < makeId(prefix, b, second)).toBe(a < b);
    }),
  );
});

test('ids sort like their bytes', () => {
  fc.assert(
    fc.property(someBytes, someBytes, (a, b) => {
      expect(idText('acc', a) < idText('acc', b)).toBe(Buffer.compare(a, b) < 0);
    }),
  );
});

test('an id holds the time and ten random bytes, and no more of them', () => {
  const random = Uint8Array.from({ length: 12 }, (_, index) => index + 1);
  const id = makeId('tok', 0x0102_0304_0506 as EpochMilliseconds, random);
  expect([...idBytes(id)]).toEqual([1, 2, 3, 4, 5, 6, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
  expect(makeId('tok', 0 as EpochMilliseconds, new Uint8Array(10))).toBe(`tok_${'0'.repeat(26)}`);
});

test.each(['fam', 'cli'] as const)('RSV-12 RFC 9700 §4.15: an account is never taken for a %s', (prefix) => {
  const account = idText('acc', new Uint8Array(16).fill(7));
  expect(parseId(prefix, account)).toBeUndefined();
  expect(parseId('acc', `${prefix}_${account.slice(4)}`)).toBeUndefined();
});

test('whatever the text, it is an id exactly if the grammar says so, and then of one spelling', () => {
  const some = fc.oneof(
    hostileText,
    damaged(fc.tuple(idPrefix, someBytes).map(([prefix, bytes]) => idText(prefix, bytes))),
  );
  fc.assert(
    fc.property(idPrefix, some, (prefix, text) => {
      const isId = new RegExp(`^${prefix}_[0-7][0-9a-hjkmnp-tv-z]{25}$(?!\\n)`).test(text);
      expect(parseId(prefix, text)).toBe(isId ? text : undefined);
      if (isId) expect(idText(prefix, idBytes(text as FamilyId))).toBe(text);
    }),
    { numRuns: 1000 },
  );
});

test.each([
  ['fam_', 25],
  ['fam_', 27],
  ['fam_8', 25],
  ['fam_i', 25],
  ['FAM_', 26],
  ['fam-', 26],
])('%s and %d zeros are no id', (start, zeros) => {
  expect(parseId('fam', start + '0'.repeat(zeros))).toBeUndefined();
});

test('the bytes of what is no id are a bug of the caller, and it throws', () => {
  for (const text of ['', 'fam_', 'fam_u'.padEnd(30, '0')]) expect(() => idBytes(text as FamilyId)).toThrow(TypeError);
});
