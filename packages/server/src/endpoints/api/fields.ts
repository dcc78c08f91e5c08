import { LIMITS } from '@latchkey/protocol/limits';
import { fail, ok, type Result } from '@latchkey/protocol/result';
import { parseResources } from '@latchkey/protocol/token-request';
import type { ResourceIdentifier } from '@latchkey/protocol/types';
import { z } from 'zod';
import { readJson } from '../../http/body.ts';
import type { Call, Refusal } from '../../server.ts';

/** Fields that several requests of the first-party API have. */
export const text = (max: number) => z.string().max(max);
export const PASSWORD = text(4 * LIMITS.passwordBytesMax);
export const SCOPE = text(LIMITS.scopeCharactersMax).optional();
export const RESOURCE = text(LIMITS.resourceIdentifierMax).optional();

/**
 * Reads a JSON body by a schema. Unknown members are ignored. The answer names the field that is wrong, never its value.
 *
 * @returns `content_type_wrong`, `body_too_large`, `body_malformed`, `field_invalid`
 */
export async function readFields<T>(call: Call, bodyMax: number, schema: z.ZodType<T>): Promise<Result<T, Refusal>> {
  const body = await readJson(call.request, bodyMax);
  if (!body.ok) return body;
  const parsed = schema.safeParse(body.value);
  if (parsed.success) return ok(parsed.data);
  const fields = [...new Set(parsed.error.issues.map(({ path }) => path.join('.')))];
  return fail({ error: 'field_invalid', detail: `Wrong or missing: ${fields.join(', ')}.` });
}

/** @returns `resource_malformed` */
export function resourceOf(text: string | undefined): Result<ResourceIdentifier | undefined, Refusal> {
  if (text === undefined) return ok(undefined);
  const resources = parseResources([text]);
  return resources.ok ? ok(resources.value[0]) : fail({ error: resources.error });
}
