import { fail, ok, type Result } from '@latchkey/protocol/result';
import type { FamilyId } from '@latchkey/protocol/types';
import type { Call, Refusal, Server } from '../server.ts';
import { CSRF_HEADER, isCsrfToken } from './cookies.ts';

/** Whether a request comes from a page of the server's own origin, as far as the browser says so. */
export function isSameOrigin({ request }: Call, server: Server): boolean {
  const site = request.headers.get('sec-fetch-site');
  return (
    request.headers.get('origin') === new URL(server.settings.issuer).origin &&
    (site === null || site === 'same-origin')
  );
}

/**
 * Guards a request that changes something and is authenticated by a cookie, which a browser sends along whoever made
 * it ask. Three things must hold: the browser's word on the origin, its word on the site, and a token that only a page
 * of this origin could read.
 *
 * @returns `csrf_refused`
 * @spec ASVS 3.5.1; RFC 10017
 */
export function checkCsrf(call: Call, family: FamilyId, server: Server): Result<undefined, Refusal> {
  const token = call.request.headers.get(CSRF_HEADER);
  const isGood = isSameOrigin(call, server) && isCsrfToken(server.csrfKey, family, token);
  return isGood ? ok(undefined) : fail({ error: 'csrf_refused', about: { family } });
}
