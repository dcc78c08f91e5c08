import { CSRF_HEADER, REFRESH_COOKIE } from '@latchkey/server/http/cookies';
import type { CodeMode, Mode } from './books.ts';
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

const CLIENT_OF = {
  plain: CLIENTS.app,
  attempt: CLIENTS.app,
  cookie: CLIENTS.app,
  confidential: CLIENTS.backend,
  keep: CLIENTS.keeper,
  portal: CLIENTS.portal,
  shop: CLIENTS.shop,
} as const satisfies Readonly<Record<Mode, unknown>>;

export const clientOf = (mode: Mode) => CLIENT_OF[mode];

const basic = (mode: Mode, secret: string): Fields => ({
  authorization: `Basic ${Buffer.from(`${clientOf(mode).id}:${secret}`).toString('base64')}`,
});

export const isConfidential = (mode: Mode): boolean => clientOf(mode).authentication !== 'none';

/** Whether a client has nothing by which the server could tell a repeat from a theft. */
export const isBare = (mode: Mode): boolean => mode === 'plain' || mode === 'portal';

/** A refresh, the way that this kind of client does it. */
export function refreshRequest(held: Held, attempt?: string, resource?: string, secret = CLIENT_SECRET): Request {
  const more = resource === undefined ? {} : { resource };
  const fields = { refresh_token: held.refresh, ...more };
  if (held.mode === 'cookie') return json('/api/refresh', more, cookieHeaders(held));
  if (isConfidential(held.mode))
    return form('/oauth/token', { grant_type: 'refresh_token', ...fields }, basic(held.mode, secret));
  const named = attempt === undefined ? fields : { ...fields, attempt_id: attempt };
  if (held.mode === 'portal')
    return form('/oauth/token', { grant_type: 'refresh_token', client_id: CLIENTS.portal.id, ...named });
  return json('/api/refresh', named);
}

/** A revocation of a token by the client that it was issued to. */
export function revocationRequest(mode: Mode, token: string): Request {
  if (isConfidential(mode)) return form('/oauth/revoke', { token }, basic(mode, CLIENT_SECRET));
  return form('/oauth/revoke', { token, client_id: clientOf(mode).id });
}

export const CLIENTS_BY_CODE: readonly CodeMode[] = ['portal', 'shop'];

/** What goes with a code. */
export interface CodeProof {
  /** The client that presents it, and its secret if it has to have one. */
  readonly mode: CodeMode;
  readonly secret: string;
  readonly verifier: string | undefined;
}

/** The redemption of a code. */
export function redemptionRequest(code: string, { mode, secret, verifier }: CodeProof): Request {
  const { id, redirectUris } = clientOf(mode);
  const fields = {
    grant_type: 'authorization_code',
    code,
    redirect_uri: redirectUris[0] ?? '',
    ...(verifier === undefined ? {} : { code_verifier: verifier }),
  };
  if (isConfidential(mode)) return form('/oauth/token', fields, basic(mode, secret));
  return form('/oauth/token', { ...fields, client_id: id });
}

/** A form of one of our pages, as a browser sends it. */
export const pageForm = (url: string, fields: Fields, cookie: string): Request =>
  new Request(url, {
    method: 'POST',
    headers: {
      'content-type': 'application/x-www-form-urlencoded',
      'sec-fetch-site': 'same-origin',
      ...(cookie === '' ? {} : { cookie }),
    },
    body: new URLSearchParams(fields).toString(),
  });

/** The visit of a page. */
export const pageVisit = (url: string, cookie: string): Request =>
  new Request(url, { headers: cookie === '' ? {} : { cookie } });

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
