import { fail, ok, type Result } from '@latchkey/protocol/result';
import type { RequestLike } from './request.ts';

/** The cookie in which a login that delivers cookies keeps its access token. */
const ACCESS_COOKIE = '__Host-latchkey-access';
const CSRF_COOKIE = '__Host-latchkey-csrf';
const CSRF_HEADER = 'x-latchkey-csrf';
const SAFE_METHODS = new Set(['GET', 'HEAD', 'OPTIONS']);

/** The value of a cookie; two of one name mean that one was planted, and count for nothing. */
function readCookie(header: string, name: string): string | undefined {
  const values = header
    .split(';')
    .map((pair) => pair.trim())
    .filter((pair) => pair.startsWith(`${name}=`))
    .map((pair) => pair.slice(name.length + 1));
  return values.length === 1 ? values[0] : undefined;
}

/**
 * The access token of a request's cookie, guarded: browsers send cookies along with what other pages make them ask.
 * A request that may change something must come from a page of this origin, by the browser's own word, and repeat the
 * CSRF cookie in a header, which only such a page can read.
 *
 * @returns `csrf_cookie_refused`
 * @spec ASVS 3.5.1; RFC 10017
 */
export function tokenOfCookie({ method, header }: RequestLike): Result<string | undefined, 'csrf_cookie_refused'> {
  const cookies = header('cookie') ?? '';
  const token = readCookie(cookies, ACCESS_COOKIE);
  if (token === undefined || SAFE_METHODS.has(method)) return ok(token);
  const site = header('sec-fetch-site');
  const csrf = readCookie(cookies, CSRF_COOKIE);
  const isOwnPage = site === 'same-origin' || (site === undefined && isOwnOrigin(header));
  return isOwnPage && csrf !== undefined && csrf !== '' && header(CSRF_HEADER) === csrf
    ? ok(token)
    : fail('csrf_cookie_refused');
}

/** For browsers that say nothing of the site: the origin's host must be the one that was asked. */
function isOwnOrigin(header: RequestLike['header']): boolean {
  const origin = header('origin');
  const host = header('host');
  return origin !== undefined && host !== undefined && (origin === `https://${host}` || origin === `http://${host}`);
}
