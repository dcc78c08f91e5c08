import type { Sha256 } from '@latchkey/protocol/types';
import { secretHash } from '../prove/secret.ts';
import type { Call, Server } from '../server.ts';
import { readCookie } from './cookies.ts';

/** The session of a person in a browser, and the browser of a login that is not finished. */
export const SESSION_COOKIE = '__Host-latchkey-session';
export const LOGIN_COOKIE = '__Host-latchkey-login';

/** `Lax`: a person comes here from the pages of clients, and must be known then. @spec RFC 6265bis §4.1.3.2 (SES-01) */
const ATTRIBUTES = 'Path=/; Secure; HttpOnly; SameSite=Lax';

const FORM = /^[A-Za-z0-9_-]{43}$/;

/** A random value for a cookie, and the hash under which it is known. */
export interface CookieValue {
  readonly value: string;
  readonly hash: Sha256;
}

const known = (value: string): CookieValue => ({ value, hash: secretHash(value) });

/** A new value of 256 random bits. @spec NUM-11 */
export const makeCookieValue = (server: Server): CookieValue =>
  known(Buffer.from(server.entropy(32)).toString('base64url'));

/** The value of one of these cookies; undefined when there is none that we could have made. */
export function cookieValueOf(
  { request }: Call,
  name: typeof SESSION_COOKIE | typeof LOGIN_COOKIE,
): CookieValue | undefined {
  const value = readCookie(request.headers.get('cookie'), name);
  return value !== undefined && FORM.test(value) ? known(value) : undefined;
}

export const sessionCookie = (value: CookieValue, seconds: number): string =>
  `${SESSION_COOKIE}=${value.value}; ${ATTRIBUTES}; Max-Age=${seconds}`;

/** What takes it away again. */
export const clearedSessionCookie = `${SESSION_COOKIE}=; ${ATTRIBUTES}; Max-Age=0`;

/** Kept by the browser until it is closed. */
export const loginCookie = (value: CookieValue): string => `${LOGIN_COOKIE}=${value.value}; ${ATTRIBUTES}`;
