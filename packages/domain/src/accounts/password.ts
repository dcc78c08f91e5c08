import { LIMITS } from '@latchkey/protocol/limits';
import { fail, ok, type Result } from '@latchkey/protocol/result';
import { isBlocklisted } from './password-blocklist.ts';

const CONTROL = /\p{Cc}/u;
const SPACES = /\p{Zs}/gu;
const ENCODER = new TextEncoder();

/**
 * The one form of a password, in which it is set and compared: one kind of space, one composition of letters.
 * Undefined when it is too long or holds control characters; nothing is ever cut off.
 *
 * @spec RFC 8265 §4.2 (OpaqueString); SP 800-63B-4 §3.1.1.2
 */
export function preparePassword(text: string): string | undefined {
  if (text.length > LIMITS.passwordBytesMax || CONTROL.test(text)) return undefined;
  const prepared = text.replace(SPACES, ' ').normalize('NFC');
  return ENCODER.encode(prepared).byteLength > LIMITS.passwordBytesMax ? undefined : prepared;
}

export type PasswordRefusal =
  | 'password_too_short'
  | 'password_too_long'
  | 'password_characters'
  | 'password_blocklisted';

/**
 * Whether a password may be set: long enough, and not one that is tried first. There are no rules of composition, and
 * no dates on which it must change.
 *
 * @param context what an attacker would think of: the identifiers of the account, the name of the service
 * @returns the prepared password, or `password_too_long`, `password_characters`, `password_too_short`,
 *   `password_blocklisted`
 * @spec SP 800-63B-4 §3.1.1.2
 */
export function checkNewPassword(text: string, context: readonly string[]): Result<string, PasswordRefusal> {
  const prepared = preparePassword(text);
  if (prepared === undefined) return fail(CONTROL.test(text) ? 'password_characters' : 'password_too_long');
  if ([...prepared].length < LIMITS.passwordCodePointsMin) return fail('password_too_short');
  return isBlocklisted(prepared, context) ? fail('password_blocklisted') : ok(prepared);
}
