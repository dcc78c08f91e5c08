import { damaged, hostileText } from '@latchkey/testkit/arbitraries/text';
import fc from 'fast-check';
import { afterEach, expect, test, vi } from 'vitest';
import { decodeBase64url, decodePortably, encodeBase64url, encodePortably, encodeTextBase64url } from './base64url.ts';

afterEach(() => {
  vi.unstubAllGlobals();
});

const both = [
  ['with Buffer', encodeBase64url, decodeBase64url],
  ['in any engine', encodePortably, decodePortably],
] as const;

test.each(both)('RFC 4648 §5: what is encoded %s is decoded, and spelled as Node spells it', (_, encode, decode) => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 70 }), (bytes) => {
      const text = encode(bytes);
      expect(text).toBe(Buffer.from(bytes).toString('base64url'));
      expect(decode(text)).toEqual(bytes);
    }),
  );
});

test.each(both)(
  'JWT-02 RFC 4648 §3.5: decoded %s, every text is the one spelling of its bytes, or none',
  (_, encode, decode) => {
    const good = fc.uint8Array({ maxLength: 20 }).map(encodePortably);
    fc.assert(
      fc.property(fc.oneof(hostileText, damaged(good), fc.base64String()), (text) => {
        const bytes = decode(text);
        const isCanonical =
          /^[\w-]*$(?!\n)/.test(text) && Buffer.from(text, 'base64url').toString('base64url') === text;
        expect(bytes === undefined ? undefined : encode(bytes)).toBe(isCanonical ? text : undefined);
      }),
      { numRuns: 1000 },
    );
  },
);

test.each(both)(
  'JWT-02: decoded %s, stray bits, padding, other alphabets and white space are refused',
  (_, __, decode) => {
    for (const text of ['A', 'AAAAA', 'AB', 'AAB', 'AA==', 'A+', 'A/', 'AA ', 'AA\n', ' AA', 'A.', 'AÀ', 'Aſ', 'AK'])
      expect(decode(text)).toBeUndefined();
    expect([decode(''), decode('AA'), decode('_-8')].map((bytes) => bytes && [...bytes])).toEqual([
      [],
      [0],
      [255, 239],
    ]);
  },
);

test('RFC 7515 §2: a text is encoded by its UTF-8', () => {
  expect(encodeTextBase64url('é')).toBe('w6k');
});

test('an engine without Buffer takes the portable way', async () => {
  vi.resetModules();
  vi.stubGlobal('Buffer', undefined);
  const portable = await import('./base64url.ts');
  expect([portable.decodeBase64url, portable.encodeBase64url]).toEqual([
    portable.decodePortably,
    portable.encodePortably,
  ]);
  expect(portable.encodeTextBase64url('é')).toBe('w6k');
});
