import { ADMIN_SCOPES } from '@latchkey/domain/administration/scopes';
import { adminApiOf } from '@latchkey/server/bootstrap';
import { ROUTES } from '@latchkey/server/routes';
import type { CredentialKind, Endpoint } from '@latchkey/server/server';
import { addRelyingParty, codeFlow } from '@latchkey/testkit/code-flow';
import { PASSWORD, populate, read, type World } from '@latchkey/testkit/people';
import { addClient, form, jsonBody, startTestServer } from '@latchkey/testkit/test-server';
import { afterAll, beforeAll, expect, test } from 'vitest';

/** Every kind of credential, tried at every route: those that a route names get in, all others do not. */
const KINDS: Readonly<Record<CredentialKind, true>> = {
  none: true,
  client: true,
  public_client: true,
  resource_server: true,
  refresh_token: true,
  refresh_cookie: true,
  access_token_issuer: true,
  access_token_openid: true,
  access_token_admin: true,
  metrics_token: true,
};
const METRICS_TOKEN = 'a-metrics-token-of-more-than-32-characters';

/** What a credential adds to a request. */
interface Presented {
  readonly headers?: Readonly<Record<string, string>>;
  readonly fields?: Readonly<Record<string, string>>;
}

let world: World;
let confidential: Awaited<ReturnType<typeof addClient>>;
let administrator: Awaited<ReturnType<typeof addClient>>;
let relyingParty: Awaited<ReturnType<typeof addClient>>;
beforeAll(async () => {
  world = await populate(
    await startTestServer({
      settings: { metricsTokenFile: METRICS_TOKEN, mode: 'production', issuer: 'http://localhost:8400' },
    }),
  );
  const { server, issuer } = world.at;
  confidential = await addClient(server, { resources: [world.api.row.identifier] });
  relyingParty = await addRelyingParty(world);
  administrator = await addClient(server, { scope: ADMIN_SCOPES, resources: [adminApiOf(issuer)] });
});
afterAll(() => world.at.close());

let logins = 0;
/** A login from an address of its own, so that the limit of one address is none of this test's matter. */
async function signIn(more: object = {}, headers: Readonly<Record<string, string>> = {}) {
  const credentials = { username: 'alice', password: PASSWORD, client_id: world.clientId, ...more };
  const answer = await world.at.fetch('/api/login', jsonBody(credentials, headers), `198.51.100.${++logins % 250}`);
  expect(answer.status).toBe(200);
  return read(answer);
}

const bearer = (token: string): Presented => ({ headers: { authorization: `Bearer ${token}` } });

/** A fresh credential of a kind: some routes use up or end what they are given. */
async function credentialOf(kind: CredentialKind): Promise<Presented> {
  const { issuer } = world.at;
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
    case 'access_token_issuer':
      return bearer(String((await signIn({ resource: issuer })).body.access_token));
    case 'access_token_openid': {
      const tokens = await codeFlow(world, relyingParty, { scope: 'openid' });
      return bearer(String(tokens.body.access_token));
    }
    case 'access_token_admin': {
      const asked = { grant_type: 'client_credentials', resource: adminApiOf(issuer) };
      const answer = await world.at.fetch('/oauth/token', form(asked, { authorization: administrator.basic }));
      return bearer((await answer.json()).access_token);
    }
    case 'metrics_token':
      return bearer(METRICS_TOKEN);
  }
}

async function present({ method, path, wording, bodyMax }: Endpoint, { headers = {}, fields = {} }: Presented) {
  const isForm = path.startsWith('/oauth/') || wording === 'page';
  const body = isForm
    ? new URLSearchParams({ token: 'x', ...grantOf(path, fields), ...fields }).toString()
    : JSON.stringify({ ...fields });
  const answer = await world.at.fetch(path.replace(/:\w+/g, 'x'), {
    method,
    headers: { 'content-type': isForm ? 'application/x-www-form-urlencoded' : 'application/json', ...headers },
    ...(method === 'GET' || bodyMax === 0 ? {} : { body }),
  });
  const text = answer.headers.get('content-type')?.includes('json') === true ? await answer.text() : '';
  await answer.body?.cancel().catch(() => undefined);
  return { status: answer.status, error: text === '' ? undefined : JSON.parse(text).error };
}

/** The token endpoint takes a refresh token beside the client that it belongs to. */
const grantOf = (path: string, fields: Readonly<Record<string, string>>): Readonly<Record<string, string>> => {
  if (path !== '/oauth/token') return {};
  return 'refresh_token' in fields
    ? { grant_type: 'refresh_token', client_id: world.clientId }
    : { grant_type: 'client_credentials' };
};

/** A login asks for a name and a password before anything else: whatever else comes in, there is no getting past that. */
const isRefused = (
  { path }: Endpoint,
  { status, error }: { readonly status: number; readonly error: unknown },
): boolean =>
  path === '/api/login'
    ? status === 422
    : status === 401 || status === 403 || (status === 400 && typeof error === 'string');

const kinds = Object.keys(KINDS) as readonly CredentialKind[];
const cases = ROUTES.flatMap((route) => kinds.map((kind) => [`${route.method} ${route.path}`, kind, route] as const));
const needsNone = ({ credentials }: Endpoint) => credentials.includes('none');

test.each(cases.filter(([, kind, route]) => !needsNone(route) && !route.credentials.includes(kind)))(
  'attack 8.10, 8.33: %s refuses %s',
  async (_, kind, route) => {
    const answer = await present(route, await credentialOf(kind));
    expect([kind, answer, isRefused(route, answer)]).toEqual([kind, answer, true]);
  },
);

test.each(cases.filter(([, kind, route]) => route.credentials.includes(kind)))(
  '%s takes %s',
  async (_, kind, route) => {
    const { status } = await present(route, await credentialOf(kind));
    expect([401, 403, 500]).not.toContain(status);
  },
);

test('every kind of credential gets in somewhere, and every route says which it takes', () => {
  expect(new Set(ROUTES.flatMap(({ credentials }) => credentials))).toEqual(new Set(kinds));
  for (const { credentials } of ROUTES) expect(credentials.length).toBeGreaterThan(0);
});

test('a route takes nothing or something, never both', () => {
  for (const route of ROUTES) if (needsNone(route)) expect(route.credentials).toEqual(['none']);
});
