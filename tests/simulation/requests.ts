import { CSRF_HEADER, REFRESH_COOKIE } from '@latchkey/server/http/cookies';
import type { Mode } from './books.ts';
import { CLIENT_SECRET, CLIENTS, ISSUER, ORIGIN } from './deployment.ts';

/** A refresh token with what belongs to it. */
export interface Held {
  readonly mode: Mode;
  readonly refresh: string;
  readonly csrf: string;
}

type Fields = Readonly<Record<string, string>>;

export const json = (path: string, body: Fields, headers: Fields = {}, method = 'POST'): Request =>
  new Request(ISSUER + path, {
    method,
    headers: { 'content-type': 'application/json', ...headers },
    ...(method === 'POST' ? { body: JSON.stringify(body) } : {}),
  });

const form = (path: string, fields: Fields, headers: Fields = {}): Request =>
  new Request(ISSUER + path, {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers },
    body: new URLSearchParams(fields).toString(),
  });

/** What a page of our own origin sends along with its cookie. */
export const cookieHeaders = ({ refresh, csrf }: Held): Fields => ({
  cookie: `${REFRESH_COOKIE}=${refresh}`,
  origin: ORIGIN,
  [CSRF_HEADER]: csrf,
});

export const clientOf = (mode: Mode) =>
  mode === 'confidential' ? CLIENTS.backend : mode === 'keep' ? CLIENTS.keeper : CLIENTS.app;

const basic = (mode: Mode, secret: string): Fields => ({
  authorization: `Basic ${Buffer.from(`${clientOf(mode).id}:${secret}`).toString('base64')}`,
});

export const isConfidential = (mode: Mode): boolean => mode === 'confidential' || mode === 'keep';

/** A refresh, the way that this kind of client does it. */
export function refreshRequest(held: Held, attempt?: string, resource?: string, secret = CLIENT_SECRET): Request {
  const more = resource === undefined ? {} : { resource };
  const fields = { refresh_token: held.refresh, ...more };
  if (held.mode === 'cookie') return json('/api/refresh', more, cookieHeaders(held));
  if (isConfidential(held.mode))
    return form('/oauth/token', { grant_type: 'refresh_token', ...fields }, basic(held.mode, secret));
  return json('/api/refresh', attempt === undefined ? fields : { ...fields, attempt_id: attempt });
}

/** A revocation of a token by the client that it was issued to. */
export function revocationRequest(mode: Mode, token: string): Request {
  if (isConfidential(mode)) return form('/oauth/revoke', { token }, basic(mode, CLIENT_SECRET));
  return form('/oauth/revoke', { token, client_id: CLIENTS.app.id });
}

export const logoutRequest = (held: Held): Request =>
  held.mode === 'cookie'
    ? json('/api/logout', {}, cookieHeaders(held))
    : json('/api/logout', { refresh_token: held.refresh });

export const loginRequest = (username: string, password: string, mode: Mode): Request =>
  json(
    '/api/login',
    { username, password, client_id: CLIENTS.app.id, delivery: mode === 'cookie' ? 'cookie' : 'body' },
    mode === 'cookie' ? { origin: ORIGIN, [CSRF_HEADER]: 'a login has none yet' } : {},
  );

export const bearer = (token: string): Fields => ({ authorization: `Bearer ${token}` });
