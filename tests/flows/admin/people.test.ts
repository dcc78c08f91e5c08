import { ADMIN_ROLES, type AdminRole } from '@latchkey/domain/administration/roles-of-admin-api';
import { ADMIN_SCOPES } from '@latchkey/domain/administration/scopes';
import type { Client } from '@latchkey/domain/clients/client';
import { allow } from '@latchkey/domain/decision';
import type { AccountId } from '@latchkey/protocol/types';
import { adminApiOf } from '@latchkey/server/bootstrap';
import { ADMIN_ENDPOINTS } from '@latchkey/server/endpoints/admin/routes';
import {
  addRelyingParty,
  answerIn,
  authorizePath,
  codeFlow,
  createPageBrowser,
  goThrough,
  makePkce,
  requestOf,
} from '@latchkey/testkit/code-flow';
import { addAccount, PASSWORD, populate, read, type World } from '@latchkey/testkit/people';
import { addClient, form, startTestServer, type WithSecret } from '@latchkey/testkit/test-server';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { addAdministrator } from './administrator.ts';

let world: World;
let adminApi: string;
let page: WithSecret<Client>;
beforeAll(async () => {
  world = await populate(await startTestServer());
  adminApi = adminApiOf(world.at.issuer);
  page = await addRelyingParty(world, {
    name: 'Console',
    scope: ['openid', ...ADMIN_SCOPES],
    resources: [adminApiOf(world.at.issuer)],
  });
});
afterAll(() => world.at.close());

const roleOf = (kind: 'role.grant' | 'role.revoke', accountId: AccountId, role: string, resource = adminApi) =>
  world.at.server.commit(
    () => Promise.resolve(),
    () => allow(undefined, [{ kind, role: { accountId, resource, role } }]),
  );

let people = 0;
/** Somebody with these roles at the admin API. */
async function addPerson(...roles: readonly string[]) {
  const username = `person-${++people}`;
  const id = await addAccount(world.at.server, username);
  for (const role of roles) await roleOf('role.grant', id, role);
  return { id, username };
}

/** Signs somebody in through the pages, for the admin API. */
async function signIn(
  username: string,
  more: Readonly<Record<string, string | undefined>> = {},
  client = page,
): Promise<Readonly<Record<string, string>>> {
  const browser = createPageBrowser(world.at, `198.51.100.${people % 250}`);
  const { verifier, challenge } = makePkce();
  const asked = requestOf(client.row, challenge, { scope: ADMIN_SCOPES.join(' '), ...more });
  const answer = answerIn(await goThrough(browser, await browser.get(authorizePath(asked)), { username }));
  const code = answer.get('code');
  if (code === null) return Object.fromEntries(answer);
  world.at.secrets.add('authorization code', code);
  const fields = {
    grant_type: 'authorization_code',
    code,
    code_verifier: verifier,
    redirect_uri: client.row.redirectUris[0] ?? '',
  };
  return (await read(await world.at.fetch('/oauth/token', form(fields, { authorization: client.basic })))).body;
}

const tokenOf = async (username: string) => String((await signIn(username)).access_token);

async function ask(token: string, method: string, path: string, body?: object) {
  const answer = await world.at.fetch(path.startsWith('/admin') ? path : `/admin/api${path}`, {
    method,
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await answer.text();
  return { status: answer.status, headers: answer.headers, body: text === '' ? {} : JSON.parse(text) };
}

describe('a token for the admin API', () => {
  test.each(Object.keys(ADMIN_ROLES) as readonly AdminRole[])(
    'RFC 6749 §3.3: of all that is asked for, a person gets what their roles give: %s',
    async (role) => {
      const { id, username } = await addPerson(role);
      const { access_token: token = '', scope } = await signIn(username);
      expect(scope).toBe(ADMIN_ROLES[role].join(' '));
      const claims = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString());
      expect(claims).toMatchObject({ sub: id, aud: adminApi, roles: [role], scope, client_id: page.row.id });
    },
  );

  test('RFC 6749 §4.1.2.1: whoever has no role is refused, and the client is told', async () => {
    const nobody = await addPerson();
    expect(await signIn(nobody.username)).toMatchObject({
      error: 'access_denied',
      error_description: 'The roles of the account at the admin API give none of the scopes that were asked for.',
    });
    const support = await addPerson('support');
    expect((await signIn(support.username, { scope: 'keys:write' })).error).toBe('access_denied');
    await roleOf('role.grant', nobody.id, 'admin', world.api.row.identifier);
    expect((await signIn(nobody.username)).error).toBe('access_denied');
  });

  test('the consent page says that it is for the admin API, and asks for what the roles give', async () => {
    const { username } = await addPerson('auditor');
    const browser = createPageBrowser(world.at);
    const asked = requestOf(page.row, makePkce().challenge, { scope: 'keys:read keys:write' });
    const signin = await browser.get((await browser.get(authorizePath(asked))).location ?? '');
    const sent = await browser.submit(signin, { username, password: PASSWORD });
    const shown = (await browser.get(sent.location ?? '')).text;
    expect(shown).toContain(`The admin API (${adminApi})`);
    expect(shown).toContain('keys:read');
    expect(shown).not.toContain('keys:write');
  });

  test('a code whose person has lost the role is worth nothing, nor is the refresh token', async () => {
    const { id, username } = await addPerson('support');
    const first = await signIn(username);
    await roleOf('role.revoke', id, 'support');
    const refresh = (token = '') =>
      world.at
        .fetch(
          '/oauth/token',
          form({ grant_type: 'refresh_token', refresh_token: token }, { authorization: page.basic }),
        )
        .then(read);
    const refused = await refresh(first.refresh_token);
    expect([refused.status, refused.body.error]).toEqual([400, 'invalid_scope']);
    // nothing was rotated: once there is a role again, the same refresh token gives what it gives
    await roleOf('role.grant', id, 'auditor');
    const again = await refresh(first.refresh_token);
    expect([again.status, again.body.scope]).toEqual([200, 'accounts:read api_keys:read sessions:read explain']);
  });

  test('a login of the first-party API follows the same rule', async () => {
    const client = await addClient(world.at.server, {
      authentication: 'none',
      firstParty: true,
      grantTypes: ['refresh_token'],
      scope: [...ADMIN_SCOPES],
      resources: [adminApiOf(world.at.issuer)],
    });
    const logIn = (username: string, more: object = {}) =>
      world.post('/api/login', { username, password: PASSWORD, client_id: client.row.id, ...more });
    const { id, username } = await addPerson('support');
    const { body } = await logIn(username, { resource: adminApi });
    expect(body.scope).toBe(ADMIN_ROLES.support.join(' '));
    expect((await ask(String(body.access_token), 'GET', '/accounts')).status).toBe(200);
    await roleOf('role.revoke', id, 'support');
    const refused = await logIn(username);
    expect([refused.status, refused.body.error]).toEqual([400, 'invalid_scope']);
    expect((await world.post('/api/refresh', { refresh_token: body.refresh_token })).body.error).toBe('invalid_scope');
  });

  test('JWT-22: a token of an administrator for another resource is refused, whatever their role', async () => {
    await roleOf('role.grant', world.accountId, 'admin');
    const other = await addRelyingParty(world);
    const token = String((await codeFlow(world, other, { scope: 'openid read' })).body.access_token);
    const answer = await ask(token, 'GET', '/accounts');
    expect([answer.status, answer.body.error]).toEqual([401, 'invalid_token']);
    await roleOf('role.revoke', world.accountId, 'admin');
  });
});

describe('each role at each route', () => {
  const roles = Object.keys(ADMIN_ROLES) as readonly AdminRole[];
  const tokens = new Map<AdminRole, string>();
  beforeAll(async () => {
    for (const role of roles) tokens.set(role, await tokenOf((await addPerson(role)).username));
  });

  test.each(
    roles.flatMap((role) => ADMIN_ENDPOINTS.map((route) => [role, `${route.method} ${route.path}`, route] as const)),
  )('RFC 9700 §2.3: %s at %s', async (role, _, { method, path, scope, bodyMax }) => {
    const body = bodyMax === 0 ? undefined : {};
    const {
      status,
      headers,
      body: answer,
    } = await ask(tokens.get(role) ?? '', method, path.replace(/:\w+/g, 'x'), body);
    const isAllowed = (ADMIN_ROLES[role] as readonly string[]).includes(scope);
    if (isAllowed) expect([401, 403]).not.toContain(status);
    else {
      expect([status, answer.error]).toEqual([403, 'insufficient_scope']);
      expect(headers.get('www-authenticate')).toContain(`scope="${scope}"`);
    }
  });
});

describe('a role that is taken away', () => {
  test('counts at once, for reads and for writes, though the token still says otherwise', async () => {
    const { id, username } = await addPerson('admin');
    const token = await tokenOf(username);
    const write = () => ask(token, 'POST', '/accounts', { identifiers: [`made-${++people}`] });
    expect([(await ask(token, 'GET', '/accounts')).status, (await write()).status]).toEqual([200, 201]);
    await roleOf('role.revoke', id, 'admin');
    for (const refused of [await ask(token, 'GET', '/accounts'), await write()])
      expect([refused.status, refused.body.error]).toEqual([403, 'insufficient_scope']);
    await roleOf('role.grant', id, 'auditor');
    expect([(await ask(token, 'GET', '/accounts')).status, (await write()).status]).toEqual([200, 403]);
  });

  test('and a person who takes their own away has none left in that very moment', async () => {
    const { id, username } = await addPerson('admin');
    const token = await tokenOf(username);
    const query = new URLSearchParams({ resource: adminApi, role: 'admin' }).toString();
    expect((await ask(token, 'DELETE', `/accounts/${id}/roles?${query}`)).status).toBe(204);
    expect((await ask(token, 'GET', '/accounts')).status).toBe(403);
  });

  test('a disabled administrator is one no more', async () => {
    const [one, other] = [await addPerson('admin'), await addPerson('admin')];
    const [first, second] = [await tokenOf(one.username), await tokenOf(other.username)];
    expect((await ask(first, 'POST', `/accounts/${other.id}/disable`, {})).status).toBe(200);
    expect((await ask(second, 'GET', '/accounts')).status).toBe(401);
  });
});

describe('attack 8.31: nobody lifts themselves', () => {
  test('an administrator of accounts alone neither sets an admin’s password nor disables them', async () => {
    const boss = await addPerson('admin');
    const clerk = await addAdministrator(world.at, ['accounts:read', 'accounts:write']);
    for (const [path, body] of [
      [`/accounts/${boss.id}/password`, { password: 'another passphrase entirely' }],
      [`/accounts/${boss.id}/disable`, {}],
      [`/accounts/${boss.id}/enable`, {}],
    ] as const) {
      const refused = await clerk.post(path, body);
      expect([path, refused.status, refused.body.error]).toEqual([path, 403, 'insufficient_scope']);
    }
    expect((await signIn(boss.username)).access_token).toBeDefined();
    const plain = await addPerson();
    expect(
      (await clerk.post(`/accounts/${plain.id}/password`, { password: 'another passphrase entirely' })).status,
    ).toBe(200);
  });

  test('one of roles alone grants none of the admin API, and takes none away', async () => {
    const [person, boss] = [await addPerson(), await addPerson('admin')];
    const clerk = await addAdministrator(world.at, ['roles:write', 'explain']);
    for (const role of Object.keys(ADMIN_ROLES))
      expect([role, (await clerk.post(`/accounts/${person.id}/roles`, { resource: adminApi, role })).status]).toEqual([
        role,
        403,
      ]);
    const query = new URLSearchParams({ resource: adminApi, role: 'admin' }).toString();
    expect((await clerk.delete(`/accounts/${boss.id}/roles?${query}`)).status).toBe(403);
    const unknown = await clerk.post(`/accounts/${person.id}/roles`, { resource: adminApi, role: 'root' });
    expect([unknown.status, unknown.body.error]).toEqual([422, 'invalid_request']);
    const elsewhere = { resource: world.api.row.identifier, role: 'admin' };
    expect((await clerk.post(`/accounts/${person.id}/roles`, elsewhere)).status).toBe(201);
  });

  test('an operator makes no client, for people or machines, that may do more than they may', async () => {
    const token = await tokenOf((await addPerson('operator')).username);
    const shapes = [
      { authentication: 'client_secret_basic', grant_types: ['client_credentials'] },
      {
        authentication: 'none',
        grant_types: ['authorization_code', 'refresh_token'],
        redirect_uris: ['https://console.example/callback'],
      },
      { authentication: 'none', first_party: true, grant_types: ['refresh_token'] },
    ];
    for (const shape of shapes) {
      const wanted = (scopes: readonly string[]) => ({ name: 'x', resources: [adminApi], scopes, ...shape });
      expect((await ask(token, 'POST', '/clients', wanted(['keys:read']))).status).toBe(201);
      expect((await ask(token, 'POST', '/clients', wanted(['keys:read', 'roles:write']))).status).toBe(403);
    }
    const strong = await addAdministrator(world.at);
    expect((await ask(token, 'POST', `/clients/${strong.clientId}/secrets`, {})).status).toBe(403);
    expect((await ask(token, 'POST', `/clients/${page.row.id}/secrets`, {})).status).toBe(403);
  });

  test('no field of an account makes an administrator of it', async () => {
    const admin = await addAdministrator(world.at, ['accounts:write']);
    for (const field of ['role', 'roles', 'scope', 'id', 'disabled_at', 'created_at'])
      expect([
        field,
        (await admin.post('/accounts', { identifiers: [`x-${++people}`], [field]: ['admin'] })).status,
      ]).toEqual([field, 422]);
  });
});

test('the audit log names the person who did it', async () => {
  const { id, username } = await addPerson('admin');
  const token = await tokenOf(username);
  const made = await ask(token, 'POST', '/resources', { identifier: `https://by-${username}.example`, name: 'By' });
  const { items } = (await ask(token, 'GET', `/audit?about=${made.body.id}`)).body;
  expect(items).toMatchObject([{ event: 'resource.created', actor: id }]);
});
