import fc from 'fast-check';
import { hostileText } from './text.ts';

const NAMES = ['grant_type', 'scope', 'resource', 'refresh_token', 'client_id', 'attempt_id', '__proto__', ''] as const;

const short = hostileText.map((text) => text.toWellFormed().slice(0, 200));

/** The fields of a form, in order; names repeat often, and values are often empty. */
export const formFields: fc.Arbitrary<readonly (readonly [string, string])[]> = fc.array(
  fc.tuple(fc.oneof(fc.constantFrom(...NAMES), short), fc.oneof(fc.constant(''), short)),
  { maxLength: 12 },
);
