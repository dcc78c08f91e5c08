import fc from 'fast-check';

/** Texts that trip parsers: nothing, white space, what other notations read, what other alphabets look like. */
const HOSTILE = [
  '',
  ' ',
  '\u0000',
  '\ufeff',
  '\ud800',
  '__proto__',
  'constructor',
  'null',
  'undefined',
  'NaN',
  '-1',
  '1e400',
  '../../etc/passwd',
  "' OR 1=1 --",
  '<script>',
  '%00',
  '%zz',
  'a\r\nset-cookie: x=y',
  '\u202eevil',
  'ｆｕｌｌ',
  'İ',
  '🦊',
  'x'.repeat(70_000),
] as const;

/** Letters that change their length or their spelling when they are normalised, folded or cut. */
const LETTERS = [
  'a',
  'A',
  ' ',
  'é',
  'e\u0301',
  'ß',
  'ﬁ',
  'K',
  'ſ',
  'ς',
  '한',
  '👩‍👩‍👧',
  '🇩🇪',
  '\u00ad',
  '\u200d',
] as const;

/** Any code point, half a surrogate pair too. (fast-check's own unit for this takes seconds to make.) */
const character = fc
  .oneof(fc.integer({ min: 0, max: 0x7f }), fc.integer({ min: 0, max: 0x10ffff }))
  .map((code) => String.fromCodePoint(code));

/** Any text: short and long, printable and not, and the ones above. */
export const hostileText: fc.Arbitrary<string> = fc.oneof(
  fc.constantFrom(...HOSTILE),
  fc.string(),
  fc.string({ unit: character }),
  fc.string({ unit: fc.constantFrom(...LETTERS) }),
);

/** A text that was good, with one character changed, left out, doubled or put in. */
export const damaged = (good: fc.Arbitrary<string>): fc.Arbitrary<string> =>
  fc
    .tuple(good, fc.nat(), fc.constantFrom(0, 1, 2), fc.oneof(character, fc.constantFrom('', 'A')))
    .map(([text, at, left, put]) => {
      const index = at % (text.length + 1);
      return text.slice(0, index) + put + text.slice(index + left);
    });
