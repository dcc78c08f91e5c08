import { ROUTES } from '@latchkey/server/routes';
import type { Cors, CredentialKind, Endpoint, Wording } from '@latchkey/server/server';
import { code, page, table } from './markdown.ts';

const CREDENTIALS: Readonly<Record<CredentialKind, string>> = {
  none: 'nothing',
  client: 'client secret',
  public_client: 'client id of a public client',
  resource_server: "a resource's credential",
  refresh_token: 'refresh token',
  refresh_cookie: 'refresh cookie and CSRF header',
  session_cookie: 'session cookie; with it, for a change, the token of the form',
  authorization_code: 'authorization code',
  access_token_issuer: 'access token for the issuer',
  access_token_openid: 'access token for the issuer with the scope openid',
  access_token_admin: 'access token for the admin API',
  access_token_api: 'access token for the API, by way of a named proxy',
  opaque_token: 'opaque access token for the API, by way of a named proxy',
  api_key: 'API key',
  metrics_token: 'metrics token',
};

const WORDINGS: Readonly<Record<Wording, string>> = {
  oauth: 'RFC 6749',
  problem: 'RFC 9457',
  bearer: 'RFC 9457, RFC 6750',
  page: 'a page',
};

const ORIGINS: Readonly<Record<Cors, string>> = {
  none: 'none',
  any: 'all',
  registered: 'of clients',
  first_party: 'of first-party clients',
};

/** docs/reference/endpoints.md: every route, from the table that the router is made of. */
export function endpointsPage(): string {
  const [admin, others] = [ROUTES.filter(isAdmin), ROUTES.filter((route) => !isAdmin(route))];
  return page('Endpoints', '`packages/server/src/routes.ts`', [
    'All paths are under the path of the issuer. A path that stands here refuses other methods with 405.',
    table(['Request', 'What it does', 'Takes', 'Refusals', 'Origins', 'Largest body'], others.map(rowOf)),
    '## Admin API',
    'Takes an access token whose `aud` is `<issuer>/admin/api`. The server describes it as OpenAPI, with every field, at ' +
      `${code('GET /admin/api/openapi.json')}.`,
    table(['Request', 'What it does', 'Scope'], admin.map(adminRowOf)),
  ]);
}

const isAdmin = ({ path }: Endpoint): boolean => path.startsWith('/admin/api');

const rowOf = ({ method, path, summary, credentials, wording, cors, bodyMax }: Endpoint): readonly string[] => [
  code(`${method} ${path}`),
  summary,
  credentials.map((kind) => CREDENTIALS[kind]).join('; '),
  WORDINGS[wording],
  ORIGINS[cors],
  bodyMax === 0 ? '–' : `${bodyMax / 1024} KiB`,
];

const adminRowOf = (route: Endpoint): readonly string[] => [
  code(`${route.method} ${route.path}`),
  route.summary,
  'scope' in route && typeof route.scope === 'string' ? code(route.scope) : '–',
];
