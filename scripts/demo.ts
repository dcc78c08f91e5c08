import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import type { Admin } from './admin.ts';

/** What the demonstration signs in with. It is kept in a file of development mode that only its owner can read. */
export interface Demo {
  readonly username: string;
  readonly password: string;
  readonly clientId: string;
}

/**
 * Makes the demo account, which is an administrator's, its client and the example API's resource, or finds those of the last start. The database
 * may have been removed in between: then all of it is made anew, with the same password.
 */
export async function ensureDemo(
  admin: Admin,
  file: string,
  { audience, issuer }: { readonly audience: string; readonly issuer: string },
): Promise<Demo> {
  const known: Demo | undefined = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : undefined;
  if (known !== undefined && (await admin.get(`/clients/${known.clientId}`)).status === 200) return known;

  const username = known?.username ?? 'demo';
  const password = known?.password ?? randomBytes(15).toString('base64url');
  const resource = { identifier: audience, name: 'Example API', scopes: ['profile:read'] };
  await expectStatus(admin.post('/resources', resource), [201, 409], 'the example resource');
  const client = {
    name: 'Demo',
    authentication: 'none',
    first_party: true,
    grant_types: ['refresh_token'],
    scopes: ['profile:read'],
    resources: [audience],
  };
  const created = await expectStatus(admin.post('/clients', client), [201], 'the demo client');
  const account = { identifiers: [username], password };
  await expectStatus(admin.post('/accounts', account), [201, 409], 'the demo account');
  const [found] = itemsOf((await admin.get(`/accounts?identifier=${username}`)).body);
  const role = { resource: `${issuer}/admin/api`, role: 'admin' };
  await expectStatus(admin.post(`/accounts/${found?.id}/roles`, role), [201], 'an administrator of it');

  const demo = { username, password, clientId: String(created.client_id ?? created.id) };
  writeFileSync(file, `${JSON.stringify(demo, null, 2)}\n`, { mode: 0o600 });
  return demo;
}

const itemsOf = ({ items }: Readonly<Record<string, unknown>>): readonly { readonly id: string }[] =>
  Array.isArray(items) ? items : [];

async function expectStatus(answer: ReturnType<Admin['post']>, statuses: readonly number[], what: string) {
  const { status, body } = await answer;
  if (!statuses.includes(status)) throw new Error(`Could not make ${what}: ${status} ${JSON.stringify(body)}`);
  return body;
}
