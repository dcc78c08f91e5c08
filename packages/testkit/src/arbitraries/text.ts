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

/** Any text: short and long, printable and not, and the ones above. */
export const hostileText: fc.Arbitrary<string> = fc.oneof(
  fc.constantFrom(...HOSTILE),
  fc.string(),
  fc.string({ unit: 'binary' }),
  fc.string({ unit: 'grapheme' }),
);

/** A text that was good, with one character changed, left out, doubled or put in. */
export const damaged = (good: fc.Arbitrary<string>): fc.Arbitrary<string> =>
  fc
    .tuple(
      good,
      fc.nat(),
      fc.constantFrom(0, 1, 2),
      fc.oneof(fc.string({ unit: 'binary', maxLength: 1 }), fc.constant('A')),
    )
    .map(([text, at, left, put]) => {
      const index = at % (text.length + 1);
      return text.slice(0, index) + put + text.slice(index + left);
    });
