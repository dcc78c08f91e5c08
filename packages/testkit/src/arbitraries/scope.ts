import type { Scope } from '@latchkey/protocol/scope';
import fc from 'fast-check';

const CHARACTERS = Array.from({ length: 0x7e - 0x20 }, (_, index) => String.fromCharCode(0x21 + index)).filter(
  (character) => character !== '"' && character !== '\\',
);

/** A scope name: every character that the grammar allows. @spec RFC 6749 §3.3 */
export const scopeName: fc.Arbitrary<string> = fc.oneof(
  fc.constantFrom('read', 'write', 'admin', 'Read', '__proto__', 'https://api.example/a:b'),
  fc.string({ unit: fc.constantFrom(...CHARACTERS), minLength: 1, maxLength: 12 }),
);

export const scope: fc.Arbitrary<Scope> = fc.uniqueArray(scopeName, { minLength: 1, maxLength: 100 });
