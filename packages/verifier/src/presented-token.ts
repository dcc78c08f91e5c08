import { parseBearer } from '@latchkey/protocol/bearer';
import type { ErrorId } from '@latchkey/protocol/errors';
import { fail, ok, type Result } from '@latchkey/protocol/result';
import { tokenOfCookie } from './cookie.ts';
import type { RequestLike } from './request.ts';

/**
 * The token of a request: from the header, else from the cookie where that is allowed.
 *
 * @returns `authorization_malformed`, `csrf_cookie_refused`, `access_token_missing`
 * @spec RFC 6750 §2
 */
export function presentedToken(request: RequestLike, cookie: boolean): Result<string, ErrorId> {
  const bearer = parseBearer(request.header('authorization'));
  if (!bearer.ok) return bearer;
  if (bearer.value !== undefined) return ok(bearer.value);
  const token = cookie ? tokenOfCookie(request) : ok(undefined);
  if (!token.ok) return token;
  return token.value === undefined ? fail('access_token_missing') : ok(token.value);
}
