import { ADMIN_SCOPES } from '@latchkey/domain/administration/scopes';
import type { Client } from '@latchkey/domain/clients/client';
import type { Resource } from '@latchkey/domain/clients/resource';
import type { AccessGrant } from '@latchkey/domain/tokens/access-grant';
import { API_KEY_TYPE, TOKEN_EXCHANGE } from '@latchkey/protocol/token-request';
import { adminApiOf } from '@latchkey/server/bootstrap';
import { mintAccessToken } from '@latchkey/server/mint/access-token';
import type { CredentialKind, Endpoint } from '@latchkey/server/server';
import { addApiKey } from '@latchkey/testkit/api-keys';
import {
  addRelyingParty,
  answerIn,
  authorizePath,
  CALLBACK,
  codeFlow,
  createPageBrowser,
  goThrough,
  hiddenIn,
  makePkce,
  requestOf,
} from '@latchkey/testkit/code-flow';
import { PASSWORD, populate, read, type World } from '@latchkey/testkit/people';
import {
  addClient,
  form,
  jsonBody,
  startTestServer,
  type TestServerOptions,
  type WithSecret,
} from '@latchkey/testkit/test-server';
import { expect } from 'vitest';

/** Every kind of credential there is; the compiler misses none. */
const KINDS: Readonly<Record<CredentialKind, true>> = {
  none: true,
  client: true,
  public_client: true,
  resource_server: true,
  refresh_token: true,
  refresh_cookie: true,
  session_cookie: true,
  authorization_code: true,
  access_token_issuer: true,
  access_token_openid: true,
  access_token_admin: true,
  access_token_api: true,
  opaque_token: true,
  api_key: true,
  metrics_token: true,
};
export const KINDS_OF_CREDENTIALS = Object.keys(KINDS) as readonly CredentialKind[];
/** The proxy that may ask about requests to an API. */
const PROXY = '203.0.113.80';
const FORWARDED = { 'x-original-method': 'GET', 'x-original-uri': '/things' };
const METRICS_TOKEN = 'a-metrics-token-of-more-than-32-characters';

/** What a credential adds to a request. */
export interface Presented {
  readonly headers?: Readonly<Record<string, string>>;
  readonly fields?: Readonly<Record<string, string>>;
}

/** How a request with a credential was answered. */
export interface Reception {
  readonly status: number;
  readonly error: unknown;
  readonly location: string | undefined;
}

/** A server, and everybody who has a credential for it. */
export interface Credentials {
  readonly world: World;
  readonly confidential: WithSecret<Client>;
  readonly administrator: WithSecret<Client>;
  /** A public client that signs people in. */
  readonly relyingParty: WithSecret<Client>;
  readonly api: WithSecret<Resource>;
  /** A fresh credential of a kind: some routes use up or end what they are given. */
  make(kind: CredentialKind): Promise<Presented>;
  /** Sends a request to a route, with a credential. */
  present(route: Endpoint, presented: Presented): Promise<Reception>;
}

const bearer = (token: string): Presented => ({ headers: { authorization: `Bearer ${token}` } });

export async function startCredentials(options: TestServerOptions = {}): Promise<Credentials> {
  const settings = {
    metricsTokenFile: METRICS_TOKEN,
    trustedProxies: PROXY,
    mode: 'production',
    issuer: 'http://localhost:8400',
    ...options.settings,
  };
  const world = await populate(await startTestServer({ ...options, settings }));
  const { at } = world;
  const { server, issuer } = at;
  const confidential = await addClient(server, { resources: [world.api.row.identifier] });
  const relyingParty = await addRelyingParty(world, { authentication: 'none' });
  const administrator = await addClient(server, { scope: ADMIN_SCOPES, resources: [adminApiOf(issuer)] });

  let visitors = 0;
  /** An address of its own for each, so that the limit of one address is none of these tests' matter. */
  const address = () => `198.51.100.${++visitors % 250}`;
  async function signIn(more: object = {}, headers: Readonly<Record<string, string>> = {}) {
    const credentials = { username: 'alice', password: PASSWORD, client_id: world.clientId, ...more };
    const answer = await at.fetch('/api/login', jsonBody(credentials, headers), address());
    expect(answer.status).toBe(200);
    return read(answer);
  }

  async function make(kind: CredentialKind): Promise<Presented> {
    switch (kind) {
      case 'none':
        return {};
      case 'client':
        return { headers: { authorization: confidential.basic } };
      case 'public_client':
        return { fields: { client_id: world.clientId, username: 'alice', password: PASSWORD } };
      case 'resource_server':
        return { headers: { authorization: world.api.basic } };
      case 'refresh_token':
        return { fields: { refresh_token: String((await signIn()).body.refresh_token) } };
      case 'refresh_cookie': {
        const page = { origin: issuer, 'sec-fetch-site': 'same-origin', 'x-latchkey-csrf': 'login' };
        const login = await signIn({ delivery: 'cookie' }, page);
        const cookie = Object.entries(login.cookies)
          .map((pair) => pair.join('='))
          .join('; ');
        return { headers: { ...page, cookie, 'x-latchkey-csrf': String(login.body.csrf_token) } };
      }
      case 'session_cookie': {
        const browser = createPageBrowser(at, address());
        await goThrough(browser, await browser.get('/account'));
        const page = await browser.get('/account');
        const cookie = [...browser.cookies].map((pair) => pair.join('=')).join('; ');
        return { headers: { cookie, 'sec-fetch-site': 'same-origin' }, fields: hiddenIn(page.text) };
      }
      case 'authorization_code': {
        const browser = createPageBrowser(at, address());
        const { challenge, verifier } = makePkce();
        const first = await browser.get(authorizePath(requestOf(relyingParty.row, challenge)));
        const code = String(answerIn(await goThrough(browser, first)).get('code'));
        at.secrets.add('authorization code', code);
        return { fields: { code, code_verifier: verifier, redirect_uri: CALLBACK } };
      }
      case 'access_token_issuer':
        return bearer(String((await signIn({ resource: issuer })).body.access_token));
      case 'access_token_openid': {
        const browser = createPageBrowser(at, address());
        const tokens = await codeFlow(world, relyingParty, { scope: 'openid' }, browser);
        return bearer(String(tokens.body.access_token));
      }
      case 'access_token_admin': {
        const asked = { grant_type: 'client_credentials', resource: adminApiOf(issuer) };
        const answer = await at.fetch('/oauth/token', form(asked, { authorization: administrator.basic }));
        return bearer((await answer.json()).access_token);
      }
      case 'access_token_api':
        return bearer(String((await signIn()).body.access_token));
      case 'opaque_token':
        return bearer(await opaqueToken(world));
      case 'api_key': {
        const { text } = await addApiKey(at, { owner: world.accountId, resource: world.api.row.identifier });
        return { ...bearer(text), fields: { subject_token: text } };
      }
      case 'metrics_token':
        return bearer(METRICS_TOKEN);
    }
  }

  /** The token endpoint takes a refresh token or a code beside the client that it belongs to, and a key alone. */
  function grantOf(path: string, fields: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
    if (path !== '/oauth/token') return {};
    if ('subject_token' in fields) return { grant_type: TOKEN_EXCHANGE, subject_token_type: API_KEY_TYPE };
    if ('code' in fields) return { grant_type: 'authorization_code', client_id: relyingParty.row.id };
    return 'refresh_token' in fields
      ? { grant_type: 'refresh_token', client_id: world.clientId }
      : { grant_type: 'client_credentials' };
  }

  /** At the token endpoint a key stands in the form, and whoever presents it says nothing else. */
  const headersAt = (path: string, headers: Presented['headers'] = {}, fields: Presented['fields'] = {}) =>
    path === '/oauth/token' && 'subject_token' in fields ? {} : headers;

  async function present({ method, path, wording, bodyMax }: Endpoint, { headers = {}, fields = {} }: Presented) {
    const isForward = path.startsWith('/verify/');
    const isForm = path.startsWith('/oauth/') || wording === 'page';
    const body = isForm
      ? new URLSearchParams({ token: 'x', ...grantOf(path, fields), ...fields }).toString()
      : JSON.stringify({ ...fields });
    const type = isForm ? 'application/x-www-form-urlencoded' : 'application/json';
    const answer = await at.fetch(
      isForward ? `/verify/${world.api.row.id}` : path.replace(/:\w+/g, 'x'),
      {
        method,
        headers: { 'content-type': type, ...(isForward ? FORWARDED : {}), ...headersAt(path, headers, fields) },
        ...(method === 'GET' || bodyMax === 0 ? {} : { body }),
      },
      isForward ? PROXY : address(),
    );
    const text = answer.headers.get('content-type')?.includes('json') === true ? await answer.text() : '';
    await answer.body?.cancel().catch(() => undefined);
    return {
      status: answer.status,
      error: text === '' ? undefined : JSON.parse(text).error,
      location: answer.headers.get('location') ?? undefined,
    };
  }

  return { world, confidential, administrator, relyingParty, api: world.api, make, present };
}

/** An opaque token for the API, as its resource would make one. */
async function opaqueToken({ at, api, clientId }: World): Promise<string> {
  const { server } = at;
  const { catalogue, now, position } = await server.store.read.moment();
  const grant: AccessGrant = {
    subject: clientId,
    clientId,
    resource: { ...api.row, format: 'opaque' },
    scope: ['read'],
    roles: [],
    permissions: [],
    tenant: undefined,
    custom: {},
    issuedAt: now,
    pos: position,
    cnf: undefined,
    person: undefined,
    apiKey: undefined,
  };
  const minted = await mintAccessToken(grant, await server.keys.at(catalogue), server);
  if (!minted.ok) throw new Error(minted.error);
  const { value } = minted.value;
  at.secrets.add('access token', value);
  return value;
}

/**
 * A login asks for a name and a password before anything else: whatever else comes in, there is no getting past that. A
 * page of the account sends whoever is not signed in to sign in.
 */
export function isRefused({ path, credentials }: Endpoint, { status, error, location }: Reception): boolean {
  if (path === '/api/login') return status === 422;
  if (credentials.includes('session_cookie') && status === 303) return location?.includes('/signin?login=') === true;
  return status === 401 || status === 403 || (status === 400 && typeof error === 'string');
}
