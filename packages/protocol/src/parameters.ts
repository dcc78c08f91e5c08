import type { ErrorId } from './errors.ts';
import { LIMITS } from './limits.ts';
import { fail, ok, type Result } from './result.ts';

/** The parameters of a form or query: each at most once, but `resource`, which may repeat. Empty ones count as absent. */
export interface Parameters {
  get(name: string): string | undefined;
  all(name: 'resource'): readonly string[];
}

/**
 * Reads `application/x-www-form-urlencoded` text.
 *
 * @returns `parameter_repeated`, `parameters_too_many`
 * @spec RFC 6749 §3.1, §3.2 (no repeats, empty means absent, unknown ignored); RFC 8707 §2 (`resource` may repeat)
 */
export function parseParameters(text: string): Result<Parameters, ErrorId> {
  const single = new Map<string, string>();
  const seen = new Set<string>();
  const resources: string[] = [];
  let count = 0;
  for (const [name, value] of new URLSearchParams(text)) {
    count += 1;
    if (count > LIMITS.parametersMax) return fail('parameters_too_many');
    if (name === 'resource') {
      if (value !== '') resources.push(value);
      continue;
    }
    if (seen.has(name)) return fail('parameter_repeated');
    seen.add(name);
    if (value !== '') single.set(name, value);
  }
  if (resources.length > LIMITS.resourcesMax) return fail('parameters_too_many');
  return ok({ get: (name) => (name === 'resource' ? resources[0] : single.get(name)), all: () => resources });
}
