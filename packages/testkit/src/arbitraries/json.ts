import fc from 'fast-check';
import { damaged, hostileText } from './text.ts';

/** Names that repeat often, and some that mean something to an engine or look like another. */
const NAMES = ['a', 'b', '__proto__', 'constructor', '', '"', '\\', '{', ',', 'é', '\u0000', '\ud83e\udd8a'] as const;
const name = fc.oneof({ weight: 4, arbitrary: fc.constantFrom(...NAMES) }, { weight: 1, arbitrary: hostileText });

/** A string in which each UTF-16 unit is written as an escape. */
const escaped = (text: string): string =>
  `"${Array.from({ length: text.length }, (_, at) => `\\u${text.charCodeAt(at).toString(16).padStart(4, '0')}`).join('')}"`;

const spelled = fc
  .tuple(name, fc.boolean())
  .map(([text, isEscaped]) => (isEscaped ? escaped : JSON.stringify)(text.slice(0, 40)));

const scalar = fc.oneof(fc.constantFrom('1', '-0.5e3', 'true', 'null', '""', '"\\\\"', '"{\\"a\\":1,"'), spelled);

/** JSON text, written by hand: names repeat, are escaped or not, and white space stands where it may. */
export const jsonText: fc.Arbitrary<string> = fc.letrec<{ value: string; object: string; array: string }>((tie) => ({
  value: fc.oneof({ maxDepth: 4, withCrossShrink: true }, scalar, tie('object'), tie('array')),
  object: fc
    .array(fc.tuple(spelled, tie('value')), { maxLength: 4 })
    .map((members) => `{ ${members.map(([key, value]) => `${key} :${value}`).join(' ,')}}`),
  array: fc.array(tie('value'), { maxLength: 3 }).map((values) => `[${values.join(', ')} ]`),
})).object;

/** Text that is nearly JSON. */
export const nearlyJson: fc.Arbitrary<string> = fc.oneof(damaged(jsonText), hostileText, fc.json());
