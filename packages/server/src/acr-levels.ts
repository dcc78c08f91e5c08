import type { AcrLevel } from '@latchkey/domain/authorization/assurance';
import { DURATIONS, LIMITS } from '@latchkey/protocol/limits';
import { z } from 'zod';

const NAME_FORM = `It must be text of at most ${LIMITS.acrValueMax} characters, without spaces.`;
const AMR_FORM = `It must be a list of 1 to ${LIMITS.acrMethodsMax} methods.`;
const WITHIN_FORM = `It must be a whole number from ${DURATIONS.acrWithinMin} to ${DURATIONS.acrWithinMax}.`;
const LEVEL_FORM = 'It must be an object of value, amr and perhaps withinSeconds, and nothing else.';
const LEVELS_FORM = `It must be a list of at most ${LIMITS.acrLevelsMax} levels, in JSON.`;

const name = z
  .string(NAME_FORM)
  .regex(/^[\x21-\x7e]+$/, NAME_FORM)
  .max(LIMITS.acrValueMax, NAME_FORM);

const level = z.strictObject(
  {
    value: name,
    amr: z.array(name, AMR_FORM).min(1, AMR_FORM).max(LIMITS.acrMethodsMax, AMR_FORM),
    withinSeconds: z
      .int(WITHIN_FORM)
      .min(DURATIONS.acrWithinMin, WITHIN_FORM)
      .max(DURATIONS.acrWithinMax, WITHIN_FORM)
      .optional(),
  },
  LEVEL_FORM,
);

/** Reads levels of assurance, from JSON where they come as text. */
export const ACR_LEVELS: z.ZodType<readonly AcrLevel[]> = z.preprocess(
  (given) => (typeof given === 'string' ? parsed(given) : given),
  z
    .array(level, LEVELS_FORM)
    .max(LIMITS.acrLevelsMax, LEVELS_FORM)
    .refine((levels) => new Set(levels.map(({ value }) => value)).size === levels.length, 'Two levels have one value.'),
);

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // JSON.parse throws for what is no JSON, and for nothing else
  }
}

/** A password, and a password just now. */
export const DEFAULT_ACR_LEVELS: readonly AcrLevel[] = [
  { value: 'urn:latchkey:acr:password', amr: ['pwd'] },
  { value: 'urn:latchkey:acr:password:recent', amr: ['pwd'], withinSeconds: 300 },
];
