import { createHmac, timingSafeEqual } from 'node:crypto';
import type { FamilyId } from '@latchkey/protocol/types';
import type { MintedTokens } from '../mint/token-response.ts';

/** The cookies of a login that delivers cookies. The prefix keeps other hosts and plain http from setting them. */
export const REFRESH_COOKIE = '__Host-latchkey-refresh';
export const ACCESS_COOKIE = '__Host-latchkey-access';
export const CSRF_COOKIE = '__Host-latchkey-csrf';
export const CSRF_HEADER = 'x-latchkey-csrf';

const ATTRIBUTES = 'Path=/; Secure; SameSite=Strict';

/** The value of a cookie; undefined when there is none. Two of one name mean that somebody planted one: neither counts. */
export function readCookie(header: string | null, name: string): string | undefined {
  const values = (header ?? '')
    .split(';')
    .map((pair) => pair.trim())
    .filter((pair) => pair.startsWith(`${name}=`))
    .map((pair) => pair.slice(name.length + 1));
  return values.length === 1 ? values[0] : undefined;
}

/** Ties a page's requests to its family: a page of another origin can neither read nor make it. */
export const csrfToken = (key: Uint8Array, family: FamilyId): string =>
  createHmac('sha256', key).update(family).digest('base64url');

export function isCsrfToken(key: Uint8Array, family: FamilyId, given: string | null): boolean {
  const [a, b] = [Buffer.from(csrfToken(key, family)), Buffer.from(given ?? '')];
  return a.length === b.length && timingSafeEqual(a, b);
}

/**
 * The cookies that carry a login. Refresh and access token are out of the reach of scripts; the CSRF token is for them.
 *
 * @spec RFC 6265bis §4.1.3.2 (`__Host-`), SES-01
 */
export function loginCookies(minted: MintedTokens, family: FamilyId, csrfKey: Uint8Array): readonly string[] {
  const lives = minted.refreshExpiresIn ?? minted.expiresIn;
  return [
    ...(minted.refreshToken === undefined
      ? []
      : [`${REFRESH_COOKIE}=${minted.refreshToken}; ${ATTRIBUTES}; HttpOnly; Max-Age=${lives}`]),
    `${ACCESS_COOKIE}=${minted.accessToken}; ${ATTRIBUTES}; HttpOnly; Max-Age=${minted.expiresIn}`,
    `${CSRF_COOKIE}=${csrfToken(csrfKey, family)}; ${ATTRIBUTES}; Max-Age=${lives}`,
  ];
}

/** What takes them away again. */
export const clearedCookies = (): readonly string[] => [
  `${REFRESH_COOKIE}=; ${ATTRIBUTES}; HttpOnly; Max-Age=0`,
  `${ACCESS_COOKIE}=; ${ATTRIBUTES}; HttpOnly; Max-Age=0`,
  `${CSRF_COOKIE}=; ${ATTRIBUTES}; Max-Age=0`,
];

export function withCookies(response: Response, cookies: readonly string[]): Response {
  for (const cookie of cookies) response.headers.append('set-cookie', cookie);
  return response;
}
