import { LIMITS } from '@latchkey/protocol/limits';
import { addClient, form, startTestServer, type TestServer } from '@latchkey/testkit/test-server';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { addAdministrator, type TestAdministrator } from './administrator.ts';

let at: TestServer;
let admin: TestAdministrator;
beforeAll(async () => {
  at = await startTestServer();
  admin = await addAdministrator(at);
});
afterAll(() => at.close());

const API = 'https://orders.example';
const basic = (id: string, secret: string) => ({
  authorization: `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}`,
});
const getToken = (id: string, secret: string) =>
  at.fetch('/oauth/token', form({ grant_type: 'client_credentials', resource: API }, basic(id, secret)));

test('a resource is created with a credential for its verifiers, which is told once and reads the feed', async () => {
  const { status, body } = await admin.post('/resources', { identifier: API, name: 'Orders', scopes: ['orders:read'] });
  expect([status, body]).toEqual([
    201,
    {
      id: expect.stringMatching(/^res_/),
      identifier: API,
      audience: API,
      name: 'Orders',
      scopes: ['orders:read'],
      algorithm: 'ES256',
      token_type: 'at+jwt',
      access_token_seconds: 300,
      format: 'jwt',
      claims: [],
      permissions: {},
      allow_email_claim: false,
      access_token_bytes: 2048,
      status_list: false,
      built_in: false,
      created_at: expect.stringMatching(/Z$/),
      secret: expect.stringMatching(/^lk_rs_[A-Za-z0-9_-]{43}$/),
    },
  ]);
  const { secret, ...shown } = body;
  const list = await admin.get('/resources');
  expect(list.body.items.at(-1)).toEqual(shown);
  expect(JSON.stringify(list.body)).not.toContain(secret);
  expect((await at.fetch('/revocations', { headers: basic(body.id, secret) })).status).toBe(200);
});

test('what the tokens of a resource are is said when it is made or later, and holds from the next token on', async () => {
  const made = await admin.post('/resources', { identifier: 'https://opaque.example', name: 'O', format: 'opaque' });
  expect([made.status, made.body.format]).toEqual([201, 'opaque']);
  const { row, basic: client } = await addClient(at.server, { resources: [made.body.identifier] });
  const authorization = basic(made.body.id, made.body.secret).authorization;
  const isActive = async (token: string) =>
    (await (await at.fetch('/oauth/introspect', form({ token }, { authorization }))).json()).active;
  const get = async () => {
    const asked = form({ grant_type: 'client_credentials', client_id: row.id }, { authorization: client });
    return (await (await at.fetch('/oauth/token', asked)).json()).access_token;
  };
  const opaque = await get();
  expect(opaque).toMatch(/^lk_at_/);
  const changed = await admin.patch(`/resources/${made.body.id}`, { format: 'jwt' });
  expect([changed.status, changed.body.format]).toEqual([200, 'jwt']);
  const jwt = await get();
  expect(jwt).toMatch(/^ey/);
  expect(await Promise.all([opaque, jwt].map(isActive))).toEqual([true, true]);
  expect((await admin.patch(`/resources/${made.body.id}`, { format: 'saml' })).status).toBe(422);
});

test('a resource that looks like another one is refused, and nothing changes', async () => {
  const before = (await admin.get('/resources')).body;
  const { status, body } = await admin.post('/resources', { identifier: `${API}/`, name: 'Impostor' });
  expect([status, body.error]).toEqual([409, 'conflict']);
  expect((await admin.get('/resources')).body).toEqual(before);
});

test.each(['Ed25519', 'PS256'])('the key set has %s where a resource uses it, and then at once', async (algorithm) => {
  const algorithms = async () => {
    const { keys } = await (await at.fetch('/.well-known/jwks.json')).json();
    return keys.map(({ alg }: { alg: string }) => alg);
  };
  expect(await algorithms()).not.toContain(algorithm);
  const identifier = `https://${algorithm.toLowerCase()}.example`;
  expect((await admin.post('/resources', { identifier, name: algorithm, algorithm })).status).toBe(201);
  expect(await algorithms()).toContain(algorithm);
});

test('what its tokens say is set and changed as a whole, and what no token may say is named', async () => {
  const said = {
    claims: [{ claim: 'plan', from: 'plan' }],
    permissions: { clerk: ['orders:read'] },
    allow_email_claim: true,
    access_token_bytes: 4096,
  };
  const made = await admin.post('/resources', { identifier: 'https://said.example', name: 'Said', ...said });
  expect([made.status, made.body]).toEqual([201, expect.objectContaining(said)]);
  const path = `/resources/${made.body.id}`;
  const changed = await admin.patch(path, { claims: [], permissions: { boss: ['a', 'a'] } });
  expect(changed.body).toMatchObject({ ...said, claims: [], permissions: { boss: ['a'] } });
  for (const [body, id, detail] of [
    [{ claims: [{ claim: 'sub', from: 'plan' }] }, 'claim_reserved', 'It is sub.'],
    [{ claims: [{ claim: 'client_secret', from: 'plan' }] }, 'claim_sensitive', 'client_secret: a secret'],
    [{ claims: [{ claim: 'a b', from: 'plan' }] }, 'claim_invalid', 'number 1'],
    [{ permissions: { 'a b': [] } }, 'permission_invalid', 'number 1'],
    [{ access_token_bytes: LIMITS.accessTokenBytesMax + 1 }, 'field_invalid', 'access_token_bytes'],
    [{ access_token_bytes: LIMITS.accessTokenBytesMin - 1 }, 'field_invalid', 'access_token_bytes'],
  ] as const) {
    const refused = await admin.patch(path, body);
    expect([refused.status, refused.body.type]).toEqual([422, `${at.issuer}/errors#${id}`]);
    expect(refused.body.detail).toContain(detail);
  }
  const worse = { identifier: 'https://worse.example', name: 'x', claims: [{ claim: 'email', from: 'email' }] };
  expect((await admin.post('/resources', worse)).body.detail).toContain('allow_email_claim');
  expect((await admin.get('/resources')).body.items.at(-1)).toEqual(changed.body);
});

test('a confidential client gets a secret that works; its replacement ends it when the overlap is over', async () => {
  const wanted = {
    name: 'Job',
    authentication: 'client_secret_basic',
    grant_types: ['client_credentials'],
    scopes: ['orders:read'],
    resources: [API],
  };
  const { status, body } = await admin.post('/clients', wanted);
  expect([status, body]).toEqual([
    201,
    {
      client_id: expect.stringMatching(/^cli_/),
      ...wanted,
      first_party: false,
      origins: [],
      application_type: 'web',
      redirect_uris: [],
      post_logout_redirect_uris: [],
      backchannel_logout_session_required: false,
      subject_type: 'public',
      require_pkce: true,
      id_token_alg: 'RS256',
      scope_claims_in_id_token: false,
      refresh_policy: 'rotate',
      created_at: expect.stringMatching(/Z$/),
      client_secret: expect.stringMatching(/^lk_cs_[A-Za-z0-9_-]{43}$/),
    },
  ]);
  const { client_id: id, client_secret: first } = body;
  expect((await getToken(id, first)).status).toBe(200);

  const second = (await admin.post(`/clients/${id}/secrets`, { overlap_seconds: 3600 })).body.client_secret;
  expect([(await getToken(id, first)).status, (await getToken(id, second)).status]).toEqual([200, 200]);
  const third = (await admin.post(`/clients/${id}/secrets`)).body.client_secret;
  expect([
    (await getToken(id, first)).status,
    (await getToken(id, second)).status,
    (await getToken(id, third)).status,
  ]).toEqual([401, 401, 200]);

  const shown = await admin.get(`/clients/${id}`);
  expect(shown.body.secrets).toEqual([{ id: expect.stringMatching(/^sec_/), created_at: expect.any(String) }]);
});

test('a public client gets no secret, and none can be made for it', async () => {
  const wanted = { name: 'Shop', authentication: 'none', first_party: true, grant_types: ['refresh_token'] };
  const { status, body } = await admin.post('/clients', wanted);
  expect([status, 'client_secret' in body]).toEqual([201, false]);
  const rotated = await admin.post(`/clients/${body.client_id}/secrets`);
  expect([rotated.status, rotated.body.error]).toEqual([409, 'conflict']);
});

test('a resource is changed as far as fields are given, and those of the server itself are not', async () => {
  const { body } = await admin.post('/resources', { identifier: 'https://changing.example', name: 'Before' });
  const changed = await admin.patch(`/resources/${body.id}`, {
    name: 'After',
    algorithm: 'RS256',
    scopes: ['a', 'b'],
    status_list: true,
  });
  const { secret: _, ...before } = body;
  expect([changed.status, changed.body]).toEqual([
    200,
    { ...before, name: 'After', algorithm: 'RS256', scopes: ['a', 'b'], status_list: true },
  ]);
  const { items } = (await admin.get('/resources')).body;
  const builtIn = items.find(({ built_in }: { built_in: boolean }) => built_in);
  const refused = await admin.patch(`/resources/${builtIn.id}`, { name: 'Mine' });
  expect([refused.status, refused.body.error]).toEqual([409, 'conflict']);
  expect((await admin.patch('/resources/res_none', { name: 'Mine' })).status).toBe(404);
});

test('a deleted client is gone from every answer, its tokens end, and a second delete finds nothing', async () => {
  const { body } = await admin.post('/clients', {
    name: 'Gone soon',
    authentication: 'client_secret_post',
    grant_types: ['client_credentials'],
    scopes: ['orders:read'],
    resources: [API],
  });
  const id = body.client_id;
  expect((await admin.delete(`/clients/${id}`)).status).toBe(204);
  expect((await admin.get(`/clients/${id}`)).status).toBe(404);
  expect((await admin.delete(`/clients/${id}`)).status).toBe(404);
  const list = (await admin.get(`/clients?limit=${LIMITS.pageRowsMax}`)).body.items;
  expect(list.map(({ client_id }: { client_id: string }) => client_id)).not.toContain(id);
  const { events } = await (await at.fetch('/revocations')).json();
  expect(events.at(-1)).toMatchObject({ kind: 'client', id });
});

test('lists come in pages that meet without a gap', async () => {
  const all = (await admin.get('/resources')).body.items;
  const first = (await admin.get('/resources?limit=2')).body;
  const second = (await admin.get(`/resources?limit=${LIMITS.pageRowsMax}&after=${first.next}`)).body;
  expect([...first.items, ...second.items]).toEqual(all);
  expect(second.next).toBeUndefined();
});

test.each([
  ['one more than a page may have', `limit=${LIMITS.pageRowsMax + 1}`],
  ['none', 'limit=0'],
  ['a cursor that is no id', 'after=res_x'],
  ['a parameter that is not known', 'sort=name'],
])('a list with %s is refused', async (_, query) => {
  const { status, body } = await admin.get(`/resources?${query}`);
  expect([status, body.error]).toEqual([422, 'invalid_request']);
});

test.each([
  ['no name', {}],
  ['a field that is not known', { name: 'x', identifier: 'https://x.example', colour: 'lk_cs_secret' }],
  ['a name one too long', { name: 'x'.repeat(LIMITS.nameMax + 1), identifier: 'https://x.example' }],
  ['a life one second too short', { name: 'x', identifier: 'https://x.example', access_token_seconds: 59 }],
])('a resource with %s is refused, and the answer repeats no value', async (_, body) => {
  const answer = await admin.post('/resources', body);
  expect([answer.status, answer.body.error]).toEqual([422, 'invalid_request']);
  expect(JSON.stringify(answer.body)).not.toContain('lk_cs_secret');
});

test('a body one byte over the limit is refused before it is read', async () => {
  const { status } = await admin.post('/resources', { name: 'x'.repeat(LIMITS.adminBodyBytesMax) });
  expect(status).toBe(413);
});
