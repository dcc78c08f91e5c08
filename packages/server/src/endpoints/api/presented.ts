import type { Delivery } from '@latchkey/domain/tokens/family';
import { fail, ok, type Result } from '@latchkey/protocol/result';
import type { DecodedRefreshToken } from '@latchkey/tokens/formats/refresh-token';
import { readRefreshToken } from '../../grants/refresh.ts';
import { REFRESH_COOKIE, readCookie } from '../../http/cookies.ts';
import { checkCsrf } from '../../http/same-origin.ts';
import type { Call, Refusal, Server } from '../../server.ts';

/** A refresh token as it came in: in the body, or in its cookie from a page of our own origin. */
export interface Presented {
  readonly token: DecodedRefreshToken;
  readonly delivery: Delivery;
}

/**
 * Reads the refresh token of a request: from the body, else from the cookie. A cookie counts only with its guard.
 *
 * @returns `parameter_missing`, `csrf_refused`, and what reading refuses
 */
export async function presentedRefreshToken(
  inBody: string | undefined,
  call: Call,
  server: Server,
): Promise<Result<Presented, Refusal>> {
  const cookie = inBody === undefined ? readCookie(call.request.headers.get('cookie'), REFRESH_COOKIE) : undefined;
  const text = inBody ?? cookie;
  if (text === undefined) return fail({ error: 'parameter_missing', detail: 'refresh_token is missing.' });
  const token = await readRefreshToken(text, call, server);
  if (!token.ok) return token;
  if (cookie === undefined) return ok({ token: token.value, delivery: 'body' });
  const guarded = checkCsrf(call, token.value.familyId, server);
  return guarded.ok ? ok({ token: token.value, delivery: 'cookie' }) : guarded;
}
