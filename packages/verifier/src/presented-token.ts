import { parseBearer } from '@latchkey/protocol/bearer';
import type { ErrorId } from '@latchkey/protocol/errors';
import { fail, ok, type Result } from '@latchkey/protocol/result';
import { tokenOfCookie } from './cookie.ts';
import { formOf } from './credential.ts';
import type { RequestLike } from './request.ts';

/**
 * The credential of a request: from a header, else from the cookie where that is allowed. Never from the query, and of
 * two in one request none.
 *
 * @param keyHeader a header for API keys alone, in lower case
 * @returns `authorization_malformed`, `api_key_malformed`, `csrf_cookie_refused`, `access_token_missing`
 * @spec RFC 6750 §2 (RSV-04)
 */
export function presentedToken(request: RequestLike, cookie: boolean, keyHeader?: string): Result<string, ErrorId> {
  const bearer = parseBearer(request.header('authorization'));
  if (!bearer.ok) return bearer;
  const key = keyHeader === undefined ? undefined : request.header(keyHeader);
  if (key !== undefined) {
    if (bearer.value !== undefined || key.includes(',')) return fail('authorization_malformed');
    return formOf(key) === 'api_key' ? ok(key) : fail('api_key_malformed'); // other credentials have their own places
  }
  if (bearer.value !== undefined) return ok(bearer.value);
  const token = cookie ? tokenOfCookie(request) : ok(undefined);
  if (!token.ok) return token;
  return token.value === undefined ? fail('access_token_missing') : ok(token.value);
}
