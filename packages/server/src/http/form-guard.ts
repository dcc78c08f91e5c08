import { createHmac, timingSafeEqual } from 'node:crypto';
import type { Parameters } from '@latchkey/protocol/parameters';
import { fail, ok, type Result } from '@latchkey/protocol/result';
import type { Call, Refusal, Server } from '../server.ts';

/** The field of a page's form that holds its token. */
export const FORM_TOKEN = 'form_token';

/** Ties a form to the browser and to the login that it was made for: nobody else can read or make it. */
export const formToken = (server: Server, bound: readonly string[]): string =>
  createHmac('sha256', server.csrfKey)
    .update(JSON.stringify(['form', ...bound]))
    .digest('base64url');

/**
 * Whether the browser says that a form was sent by one of our own pages. Our pages send no referrer, which makes some
 * browsers hide the origin too; what they say of the site cannot be hidden.
 *
 * @spec ASVS 3.5.1 to 3.5.3 (CSRF-01)
 */
export function isFromOwnPage({ request }: Call, server: Server): boolean {
  const site = request.headers.get('sec-fetch-site');
  if (site !== null) return site === 'same-origin';
  return request.headers.get('origin') === new URL(server.settings.issuer).origin;
}

/**
 * Guards a form that changes something: it must come from one of our own pages, and bring the token of the browser and
 * of the login that it belongs to.
 *
 * @returns `form_refused`
 * @spec RFC 6819 §5.4 (AUT-14); OWASP CSRF (CSRF-02, CSRF-03)
 */
export function checkForm(
  call: Call,
  form: Parameters,
  bound: readonly string[],
  server: Server,
): Result<undefined, Refusal> {
  const [wanted, given] = [Buffer.from(formToken(server, bound)), Buffer.from(form.get(FORM_TOKEN) ?? '')];
  const isToken = wanted.length === given.length && timingSafeEqual(wanted, given);
  return isToken && isFromOwnPage(call, server) ? ok(undefined) : fail({ error: 'form_refused' });
}
