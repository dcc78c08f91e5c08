import { PLAIN_RESOURCE } from '@latchkey/domain/clients/resource';
import { ADMIN_ENDPOINTS } from '@latchkey/server/endpoints/admin/routes';
import { ROUTES } from '@latchkey/server/routes';
import { addAccount, PASSWORD, populate, read, type World } from '@latchkey/testkit/people';
import { addClient, addResource, form, startTestServer } from '@latchkey/testkit/test-server';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { addAdministrator, type TestAdministrator } from './admin/administrator.ts';
import { refusalOf, refusedAs, rowsOf } from './refusal.ts';

let world: World;
let admin: TestAdministrator;
let machine: Awaited<ReturnType<typeof addClient>>;
beforeAll(async () => {
  world = await populate(await startTestServer());
  admin = await addAdministrator(world.at);
  machine = await addClient(world.at.server, { resources: [world.api.row.identifier] });
});
afterAll(() => world.at.close());

const claimsOf = (token: unknown) => JSON.parse(Buffer.from(String(token).split('.')[1] ?? '', 'base64url').toString());
const asAdmin = () => ({ authorization: `Bearer ${admin.token}`, 'content-type': 'application/json' });
/** Sends text as it is: what JSON.stringify would not write. */
const sendRaw = (path: string, body: string, headers: Readonly<Record<string, string>> = asAdmin(), method = 'POST') =>
  world.at.fetch(path, { method, headers, body });

/** A good body for every route of the admin API that takes one, and where to send it. */
const GOOD: Readonly<Record<string, () => Promise<readonly [path: string, body: object]>>> = {
  '/accounts': async () => ['/accounts', { identifiers: ['mallory'], password: PASSWORD }],
  '/accounts/:id/disable': async () => [`/accounts/${await addAccount(world.at.server, 'd')}/disable`, {}],
  '/accounts/:id/enable': async () => [`/accounts/${await addAccount(world.at.server, 'e')}/enable`, {}],
  '/accounts/:id/password': async () => [
    `/accounts/${await addAccount(world.at.server, 'p')}/password`,
    { password: PASSWORD },
  ],
  '/accounts/:id/roles': async () => [
    `/accounts/${world.accountId}/roles`,
    { resource: world.api.row.identifier, role: 'editor' },
  ],
  '/accounts/:id/profile': async () => [`/accounts/${world.accountId}/profile`, { claims: { name: 'Mallory' } }],
  '/accounts/:id/metadata': async () => [`/accounts/${world.accountId}/metadata`, { values: { plan: 'gold' } }],
  '/api-keys': async () => ['/api-keys', API_KEY()],
  '/api-keys/:id': async () => [`/api-keys/${await makeApiKey()}`, { name: 'y' }],
  '/api-keys/:id/rotate': async () => [`/api-keys/${await makeApiKey()}/rotate`, {}],
  '/clients': async () => [
    '/clients',
    { name: 'x', authentication: 'client_secret_basic', grant_types: ['client_credentials'] },
  ],
  '/clients/:id/secrets': async () => [`/clients/${(await addClient(world.at.server)).row.id}/secrets`, {}],
  '/resources': async () => ['/resources', { identifier: 'https://mass.example', name: 'x' }],
  '/resources/:id': async () => [`/resources/${(await addResource(world.at.server)).row.id}`, { name: 'y' }],
  '/resources/:id/shared-secrets': async () => {
    const { row } = await addResource(world.at.server);
    await admin.patch(`/resources/${row.id}`, { algorithm: 'HS256' });
    return [`/resources/${row.id}/shared-secrets`, {}];
  },
  '/resources/:id/secrets': async () => [`/resources/${(await addResource(world.at.server)).row.id}/secrets`, {}],
  '/tokens/revoke': async () => ['/tokens/revoke', { id: 'tok_00000000000000000000000000' }],
  '/keys/rotate': async () => ['/keys/rotate', { algorithm: 'ES256' }],
  '/keys/:kid/revoke': async () => [
    `/keys/${(await admin.get('/keys')).body.signing.find(({ algorithm }: { algorithm: string }) => algorithm === 'RS256').kid}/revoke`,
    {},
  ],
  '/mac-keys/rotate': async () => ['/mac-keys/rotate', {}],
  '/mac-keys/:id/revoke': async () => ['/mac-keys/1/revoke', {}],
  '/explain': async () => ['/explain', { error_id: 'x-1' }],
};

const API_KEY = () => ({ owner: machine.row.id, name: 'x', resource: world.api.row.identifier });
const makeApiKey = async (): Promise<string> => (await admin.post('/api-keys', API_KEY())).body.id;

/** Wishes that an administrator may say at a route. */
const SAID: Readonly<Record<string, readonly string[]>> = {
  '/accounts/:id/metadata': ['version'],
  '/resources': ['format', 'claims', 'permissions'],
  '/resources/:id': ['format', 'claims', 'permissions'],
};

/** What somebody would like to be, have or own. */
const WISHES: Readonly<Record<string, unknown>> = {
  id: 'acc_00000000000000000000000000',
  role: 'admin',
  roles: ['admin'],
  is_admin: true,
  tenant_id: 'other',
  email_verified: true,
  trusted: true,
  firstParty: true,
  built_in: true,
  ...PLAIN_RESOURCE,
  encryptionKey: {},
  builtIn: true,
  version: 99,
  created_at: '2000-01-01T00:00:00Z',
  deletedAt: null,
  disabledAt: null,
  cutOff: null,
  secret: 'lk_cs_chosen',
  phc: '$argon2id$',
  scope: 'accounts:write',
  state: 'current',
};

test('attack 8.31: every route of the admin API with a body is among those that are tried', () => {
  const taking = ADMIN_ENDPOINTS.filter(({ body }) => body !== undefined).map(({ path }) =>
    path.replace('/admin/api', ''),
  );
  expect(Object.keys(GOOD).sort()).toEqual([...taking].sort());
});

test.each(Object.entries(GOOD))(
  'attack 8.31: %s refuses one member more than it knows, and then takes the same without',
  async (route, good) => {
    const [path, body] = await good();
    const { method } = ADMIN_ENDPOINTS.find((one) => one.path === `/admin/api${route}` && one.body !== undefined) ?? {};
    const send = (sent: string) => sendRaw(`/admin/api${path}`, sent, asAdmin(), method);
    const before = rowsOf(world.at);
    for (const [name, value] of Object.entries(WISHES)) {
      if (name in body || SAID[route]?.includes(name)) continue;
      const text = JSON.stringify({ ...body, [name]: value });
      expect([name, await refusalOf(world.at, await send(text))]).toEqual([name, refusedAs('field_invalid')]);
    }
    expect(rowsOf(world.at)).toEqual(before);
    const answer = await send(JSON.stringify(body));
    expect([200, 201, 409]).toContain(answer.status);
  },
);

test('attack 8.31: what a person adds to a login or a refresh adds nothing to their tokens or rows', async () => {
  const account = () => world.at.server.store.read.account(world.accountId);
  const before = await account();
  const wishes = {
    ...WISHES,
    sub: 'acc_00000000000000000000000000',
    aud: 'x',
    fid: 'x',
    amr: ['mfa'],
    exp: 9e9,
    scope: 'read',
  };
  const plain = claimsOf((await world.login({ scope: 'read' })).body.access_token);
  const wished = await world.login(wishes);
  const shape = ({
    iat: _i,
    exp: _e,
    jti: _j,
    fid: _f,
    sid: _s,
    pos: _p,
    auth_time: _a,
    ...rest
  }: Record<string, unknown>) => rest;
  expect(shape(claimsOf(wished.body.access_token))).toEqual(shape(plain));
  const { exp, iat } = claimsOf(wished.body.access_token);
  expect(exp - iat).toBe(300);
  const refreshed = await world.post('/api/refresh', { ...wishes, refresh_token: wished.body.refresh_token });
  expect(shape(claimsOf(refreshed.body.access_token))).toEqual(shape(plain));
  expect(await account()).toEqual(before);
});

test('attack 8.31: what a client adds to a token request adds nothing to its token', async () => {
  const ask = async (more: Readonly<Record<string, string>>) => {
    const asked = form({ grant_type: 'client_credentials', ...more }, { authorization: machine.basic });
    return claimsOf((await (await world.at.fetch('/oauth/token', asked)).json()).access_token);
  };
  const { iat: _i, exp: _e, jti: _j, pos: _p, ...plain } = await ask({});
  const more = {
    sub: 'x',
    aud: 'x',
    roles: 'admin',
    sid: 'x',
    fid: 'x',
    client_name: 'x',
    expires_in: '9999',
    jti: 'x',
  };
  const { iat, exp, jti, pos: _q, ...wished } = await ask(more);
  expect([wished, exp - iat, jti]).toEqual([plain, 300, expect.stringMatching(/^tok_/)]);
});

/** Ways to reach the prototype of every object, as members of JSON. */
const POLLUTING = [
  '"__proto__":{"polluted":"yes","username":"alice"}',
  '"constructor":{"prototype":{"polluted":"yes"}}',
  '"prototype":{"polluted":"yes"}',
  '"__proto__":null',
  '"a":{"__proto__":{"polluted":"yes"},"constructor":{"prototype":{"polluted":"yes"}}}',
  '"toString":"x","hasOwnProperty":"x","valueOf":{"__proto__":{"polluted":"yes"}}',
];
const QUERIES = [
  '__proto__[polluted]=yes',
  '__proto__.polluted=yes',
  'constructor.prototype.polluted=yes',
  'constructor[prototype][polluted]=yes',
  '__proto__=yes',
  'hasOwnProperty=yes&toString=yes',
];

async function expectNoPollution(): Promise<void> {
  expect([Reflect.get({}, 'polluted'), Object.keys(Object.prototype), Reflect.get([], 'polluted')]).toEqual([
    undefined,
    [],
    undefined,
  ]);
  expect((await world.at.fetch('/readyz')).status).toBe(200);
  const canary = form({ grant_type: 'client_credentials' }, { authorization: machine.basic });
  expect((await world.at.fetch('/oauth/token', canary)).status).toBe(200);
}

test.each(ROUTES.filter(({ method }) => method === 'POST').map((route) => [route.path, route] as const))(
  'attack 8.35: POST %s leaves the prototype of every object alone, in its body and its query',
  async (_, { path, bodyMax }) => {
    const isForm = path.startsWith('/oauth/');
    const own = isForm ? machine.basic : path === '/reports' ? world.api.basic : `Bearer ${admin.token}`;
    const type = isForm ? 'application/x-www-form-urlencoded' : 'application/json';
    const bodies = isForm ? QUERIES : POLLUTING.map((member) => `{${member}}`);
    for (const query of QUERIES)
      for (const body of bodies) {
        const headers = { authorization: own, 'content-type': type };
        const answer = await sendRaw(
          `${path.replace(/:\w+/g, '__proto__')}?${query}`,
          bodyMax === 0 ? '' : body,
          headers,
        );
        expect(answer.status).toBeLessThan(500);
      }
    await expectNoPollution();
  },
);

test.each(ROUTES.filter(({ method }) => method === 'GET').map(({ path }) => path))(
  'attack 8.35: GET %s leaves the prototype of every object alone, in its path and its query',
  async (path) => {
    for (const query of QUERIES)
      for (const segment of ['__proto__', 'constructor', 'toString']) {
        const headers = { authorization: path === '/revocations' ? world.api.basic : `Bearer ${admin.token}` };
        const answer = await world.at.fetch(`${path.replace(/:\w+/g, segment)}?${query}`, { headers });
        expect(answer.status).toBeLessThan(500);
        await answer.body?.cancel();
      }
    await expectNoPollution();
  },
);

test('attack 8.35: members that only a prototype has are no fields', async () => {
  const credentials = { username: 'alice', password: PASSWORD, client_id: world.clientId };
  const body = `{"__proto__":${JSON.stringify(credentials)}}`;
  const headers = { 'content-type': 'application/json' };
  const answer = await world.at.fetch('/api/login', { method: 'POST', headers, body }, '192.0.2.50');
  expect(await refusalOf(world.at, answer)).toEqual(refusedAs('field_invalid'));
  const about = `{"refusals":[{"id":"v-1","error":"__proto__","at":1,"where":"x","about":{}}]}`;
  const report = await sendRaw('/reports', about, {
    authorization: world.api.basic,
    'content-type': 'application/json',
  });
  // a reason that is not known is left out, and one that only a prototype has is not known
  expect([report.status, world.at.server.refusals.find('v-1')]).toEqual([204, undefined]);
});

const MARKUP = [
  '<script>alert(1)</script>',
  '"><img src=x onerror=alert(1)>',
  "javascript:alert('x')",
  '{{7*7}}#{7*7}',
  '\u202etxt',
];

test.each(MARKUP)(
  'attack 8.36: the name %j is kept and told as text, in JSON that no browser takes for a page',
  async (name) => {
    const client = await admin.post('/clients', {
      name,
      authentication: 'none',
      first_party: true,
      grant_types: ['refresh_token'],
    });
    const resource = await admin.post('/resources', { name, identifier: `https://m${MARKUP.indexOf(name)}.example` });
    expect([client.body.name, resource.body.name]).toEqual([name, name]);
    for (const answer of [client, resource, await admin.get('/clients?limit=200'), await admin.get('/audit?limit=200')])
      expect([answer.headers.get('content-type'), answer.headers.get('x-content-type-options')]).toEqual([
        'application/json',
        'nosniff',
      ]);
    expect((await (await world.at.fetch('/')).text()).includes(name)).toBe(false);
    const refused = await world.at.fetch(`/${encodeURIComponent(name)}?x=${encodeURIComponent(name)}`);
    expect([refused.headers.get('content-type'), (await refused.text()).includes(name)]).toEqual([
      'application/problem+json',
      false,
    ]);
    expect(
      (await admin.post(`/accounts/${world.accountId}/roles`, { resource: world.at.issuer, role: name })).status,
    ).toBe(422);
  },
);

test.each(MARKUP.slice(0, 4))(
  'attack 8.36: the user agent %j comes back as text in the list of sessions',
  async (agent) => {
    const { body } = await world.login({ resource: world.at.issuer }, { 'user-agent': agent });
    const { body: list } = await world.get('/api/sessions', { authorization: `Bearer ${body.access_token}` });
    const current = (list.sessions as unknown as { current: boolean; user_agent: string }[]).find((one) => one.current);
    expect(current?.user_agent).toBe(agent);
  },
);

const INJECTIONS = [
  "' OR '1'='1",
  "'; DROP TABLE accounts; --",
  '" OR ""="',
  '1 UNION SELECT * FROM mac_keys',
  '%',
  '_',
  '*',
  'a%00b',
  '\\',
  '1;1',
  '-1',
  'NaN',
  '9'.repeat(400),
  '$(reboot)',
  'x\r\n{"event":"forged"}',
];

test.each(INJECTIONS)(
  'attack 8.37: %j in every filter, cursor, id and header finds nothing, breaks nothing and makes one line in the log',
  async (text) => {
    const value = encodeURIComponent(text);
    const headers = asAdmin();
    const basic = `Basic ${Buffer.from(`${value}:${value}`).toString('base64')}`;
    const ask =
      (path: string, init: RequestInit = {}) =>
      () =>
        world.at.fetch(path, { headers, ...init });
    const before = rowsOf(world.at);
    for (const send of [
      ask(`/admin/api/accounts?identifier=${value}`),
      ask(`/admin/api/accounts?after=${value}`),
      ask(`/admin/api/clients?after=${value}`),
      ask(`/admin/api/resources?limit=${value}`),
      ask(`/admin/api/audit?about=${value}`),
      ask(`/admin/api/audit?before=${value}`),
      ask(`/admin/api/accounts/${value}`),
      ask(`/admin/api/accounts/${value}/sessions`),
      ask(`/admin/api/accounts/${world.accountId}/roles?resource=${value}&role=${value}`, {
        method: 'DELETE',
        headers,
      }),
      ask(`/admin/api/sessions/${value}`, { method: 'DELETE', headers }),
      ask(`/admin/api/keys/${value}/revoke`, { method: 'POST', headers, body: '{}' }),
      ask(`/admin/api/mac-keys/${value}/revoke`, { method: 'POST', headers, body: '{}' }),
      ask(`/revocations?after=${value}`),
      ask('/revocations', { headers: { authorization: basic } }),
      ask('/oauth/token', form({ grant_type: text, resource: text, scope: text }, { authorization: machine.basic })),
      ask('/oauth/token', form({ grant_type: 'client_credentials' }, { authorization: basic })),
      ask('/oauth/revoke', form({ token: text, token_type_hint: text }, { authorization: machine.basic })),
      ask('/oauth/introspect', form({ token: text }, { authorization: world.api.basic })),
    ]) {
      const lines = world.at.logged.length;
      const answer = await read(await send());
      expect(answer.status).toBeLessThan(500);
      if (answer.status < 400 && 'items' in answer.body) expect(answer.body.items).toEqual([]);
      const events = world.at.logged.slice(lines).map((line) => JSON.parse(line).event);
      expect([[], ['refused']]).toContainEqual(events.filter((event) => event !== 'alert delivered'));
    }
    expect(rowsOf(world.at)).toEqual(before);
    expect((await read(await world.at.fetch('/readyz'))).status).toBe(200);
  },
);
