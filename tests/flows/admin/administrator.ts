import { ADMIN_SCOPES } from '@latchkey/domain/administration/scopes';
import { adminApiOf } from '@latchkey/server/bootstrap';
import { ADMIN_ENDPOINTS } from '@latchkey/server/endpoints/admin/routes';
import { addClient, form, type TestServer } from '@latchkey/testkit/test-server';
import { expect } from 'vitest';

/** An answer of the admin API, read. */
export interface AdminAnswer {
  readonly status: number;
  readonly headers: Headers;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of every route
  readonly body: any;
}

/** Somebody with an access token for the admin API. */
export interface TestAdministrator {
  readonly clientId: string;
  readonly token: string;
  get(path: string): Promise<AdminAnswer>;
  post(path: string, body?: object): Promise<AdminAnswer>;
  put(path: string, body: object): Promise<AdminAnswer>;
  patch(path: string, body: object): Promise<AdminAnswer>;
  delete(path: string): Promise<AdminAnswer>;
}

/** Makes an administrator's client with these scopes, and gets it a token as any client would. */
export async function addAdministrator(
  at: TestServer,
  scope: readonly string[] = ADMIN_SCOPES,
): Promise<TestAdministrator> {
  const resource = adminApiOf(at.issuer);
  const client = await addClient(at.server, {
    grantTypes: ['client_credentials'],
    scope: [...scope],
    resources: [resource],
  });
  const asked = form({ grant_type: 'client_credentials', resource }, { authorization: client.basic });
  const { access_token: token } = await (await at.fetch('/oauth/token', asked)).json();
  const call = async (method: string, path: string, body?: object): Promise<AdminAnswer> => {
    const answer = await at.fetch(`/admin/api${path}`, {
      method,
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await answer.text();
    const value = text === '' ? undefined : JSON.parse(text);
    expectAsDescribed(method, path, answer.status, value);
    return { status: answer.status, headers: answer.headers, body: value };
  };
  return {
    clientId: client.row.id,
    token,
    get: (path) => call('GET', path),
    post: (path, body = {}) => call('POST', path, body),
    put: (path, body) => call('PUT', path, body),
    patch: (path, body) => call('PATCH', path, body),
    delete: (path) => call('DELETE', path),
  };
}

/** Whatever a test asks, the answer is what the description of the API says: no field more, none less. */
function expectAsDescribed(method: string, path: string, status: number, body: unknown): void {
  const pathname = `/admin/api${path.split('?', 1)[0] ?? ''}`;
  const route = ADMIN_ENDPOINTS.find(
    (endpoint) =>
      endpoint.method === method && new RegExp(`^${endpoint.path.replace(/:\w+/g, '[^/]+')}$`).test(pathname),
  );
  if (status >= 400) return;
  expect([route?.success.status, body]).toEqual([status, route?.success.schema?.parse(body)]);
}
