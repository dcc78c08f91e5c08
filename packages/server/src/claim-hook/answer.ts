import type { HookClaims } from '@latchkey/domain/tokens/added-claims';
import { LIMITS } from '@latchkey/protocol/limits';
import { parseStrictJson } from '@latchkey/tokens/formats/strict-json';
import { z } from 'zod';

const ANSWER = z.strictObject({
  add: z.record(z.string(), z.json()).default({}),
  remove: z.array(z.string()).default([]),
});

const UTF8 = new TextEncoder();

/** Reads what a hook said: `{ add?, remove? }`, within its limits, no name twice. Undefined for anything else. */
export function readHookAnswer(text: string): HookClaims | undefined {
  const bytes = UTF8.encode(text);
  if (bytes.length > LIMITS.hookAnswerBytesMax) return undefined;
  const json = parseStrictJson(bytes);
  const answer = ANSWER.safeParse(json);
  return answer.success ? answer.data : undefined;
}
