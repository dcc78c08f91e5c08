import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Place } from './server-process.ts';

/** An answer that came whole. One that was cut off is a throw of `fetch`, and means: nobody knows. */
export interface Answered {
  readonly status: number;
  // biome-ignore lint/suspicious/noExplicitAny: answers of many routes
  readonly body: any;
}

/** The routes of one run of the server, as its clients and an administrator see them. */
export interface Connection {
  login(username: string, password: string): Promise<Answered>;
  refresh(token: string, attempt?: string): Promise<Answered>;
  logout(token: string): Promise<Answered>;
  /** @spec RFC 7009 */
  revoke(token: string): Promise<Answered>;
  /** @spec RFC 7662 */
  isActive(token: string): Promise<boolean>;
  admin(method: string, path: string, body?: object): Promise<Answered>;
  /** All events of the log that are kept. */
  events(): Promise<readonly { readonly seq: number; readonly kind: string; readonly id: string }[]>;
}

/** What the server needs so that people can log in, made once. */
export interface Deployment {
  readonly clientId: string;
  /** The credential of a resource server, for introspection and feed. */
  readonly basic: string;
}

async function call(
  url: string,
  method: string,
  body?: object,
  headers: Readonly<Record<string, string>> = {},
): Promise<Answered> {
  const isForm = body instanceof URLSearchParams;
  const answer = await fetch(url, {
    method,
    headers: isForm ? headers : { 'content-type': 'application/json', ...headers },
    ...(body === undefined ? {} : { body: isForm ? body : JSON.stringify(body) }),
  });
  const text = await answer.text();
  return { status: answer.status, body: text === '' ? undefined : JSON.parse(text) };
}

/** Logs the administrator in, with the credential that the server wrote for it. */
async function openAdmin({ folder, issuer }: Place): Promise<Connection['admin']> {
  const credential = JSON.parse(readFileSync(join(folder, '.latchkey/admin.json'), 'utf8'));
  const basic = Buffer.from(`${credential.client_id}:${credential.client_secret}`).toString('base64');
  const asked = new URLSearchParams({ grant_type: 'client_credentials', resource: `${issuer}/admin/api` });
  const { body } = await call(`${issuer}/oauth/token`, 'POST', asked, { authorization: `Basic ${basic}` });
  const headers = { authorization: `Bearer ${body.access_token}` };
  return (method, path, sent) => call(`${issuer}/admin/api${path}`, method, sent, headers);
}

/** Makes an API, a first-party client for it, and an account. */
export async function deploy(place: Place, username: string, password: string): Promise<Deployment> {
  const admin = await openAdmin(place);
  const identifier = 'https://api.example';
  const resource = await admin('POST', '/resources', { identifier, name: 'API', scopes: ['read'] });
  const client = await admin('POST', '/clients', {
    name: 'Crash',
    authentication: 'none',
    first_party: true,
    grant_types: ['refresh_token'],
    scopes: ['read'],
    resources: [identifier],
  });
  const account = await admin('POST', '/accounts', { identifiers: [username], password });
  if ([resource, client, account].some(({ status }) => status !== 201)) throw new Error('the deployment was refused');
  const basic = Buffer.from(`${resource.body.id}:${resource.body.secret}`).toString('base64');
  return { clientId: client.body.client_id, basic: `Basic ${basic}` };
}

export async function connect(place: Place, { clientId, basic }: Deployment): Promise<Connection> {
  const { issuer } = place;
  const admin = await openAdmin(place);
  const form = (path: string, fields: Record<string, string>, headers = {}) =>
    call(`${issuer}${path}`, 'POST', new URLSearchParams(fields), headers);
  // each login comes from an address of its own, as far as the proxy says, so that throttling has no say here
  const forwarded = () => ({
    'x-forwarded-for': `10.${[1, 2, 3].map(() => Math.floor(Math.random() * 250)).join('.')}`,
  });
  return {
    login: (username, password) =>
      call(`${issuer}/api/login`, 'POST', { username, password, client_id: clientId }, forwarded()),
    refresh: (token, attempt = randomUUID()) =>
      call(`${issuer}/api/refresh`, 'POST', { refresh_token: token, attempt_id: attempt }),
    logout: (token) => call(`${issuer}/api/logout`, 'POST', { refresh_token: token }),
    revoke: (token) => form('/oauth/revoke', { token, client_id: clientId }),
    isActive: async (token) => (await form('/oauth/introspect', { token }, { authorization: basic })).body.active,
    admin,
    events: async () => (await call(`${issuer}/revocations`, 'GET', undefined, { authorization: basic })).body.events,
  };
}

/** The claims of an access token, unchecked. */
export const claimsOf = (
  token: string,
): { readonly jti: string; readonly sid: string; readonly fid: string; readonly exp: number } =>
  JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString());
