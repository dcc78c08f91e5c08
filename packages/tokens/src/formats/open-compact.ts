import type { ErrorId } from '@latchkey/protocol/errors';
import { fail, ok, type Result } from '@latchkey/protocol/result';
import type { KeySet } from '../keys/key-set.ts';
import { createHeaderCache, type HeaderCache, parseCompact, parsePayload } from './compact.ts';
import type { JsonObject } from './strict-json.ts';

/** What is known of a signed text before it is opened. */
export interface ExpectedForm {
  readonly keys: KeySet;
  /** Whether a `typ` is that of this kind: each kind has its own, and none stands for another. */
  isType(typ: string | undefined): boolean;
  readonly headers?: HeaderCache;
  /** The longest that it may be, in characters, where that is not the limit of a token. */
  readonly max?: number;
}

/**
 * Opens a signed text: form, type, key and signature, in this order, and then its claims. Whether they are what they should
 * be is for each kind to say.
 *
 * @returns `token_too_large`, `token_malformed`, `token_critical_header`, `token_type_wrong`, `token_key_unknown`,
 *   `token_algorithm_refused`, `token_signature_invalid`
 * @spec RFC 7515 §5.2; RFC 8725 §3.11, §3.12
 */
export function openCompact(text: string, { keys, isType, headers, max }: ExpectedForm): Result<JsonObject, ErrorId> {
  const jws = parseCompact(text, headers ?? createHeaderCache(1), max);
  if (!jws.ok) return jws;
  const { header, input, payload, signature } = jws.value;
  if (!isType(header.typ)) return fail('token_type_wrong');
  const key = keys.find(header);
  if (!key.ok) return key;
  if (!key.value.verifies(input, signature)) return fail('token_signature_invalid');
  const claims = parsePayload(payload);
  return claims === undefined ? fail('token_malformed') : ok(claims);
}

/** A `typ` by its media type: without regard to case, and `application/` may be left out. @spec RFC 7515 §4.1.9 */
export const isMediaType = (typ: string | undefined, expected: string): boolean =>
  typ === expected || typ?.toLowerCase().replace(/^application\//, '') === expected.toLowerCase();
