import { adminApiOf } from '@latchkey/server/bootstrap';
import { populate, type World } from '@latchkey/testkit/people';
import { addClient, form, startTestServer } from '@latchkey/testkit/test-server';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { addAdministrator } from './administrator.ts';

let world: World;
beforeAll(async () => {
  world = await populate(await startTestServer());
});
afterAll(() => world.at.close());

const ask = (token: string | undefined, path = '/resources') =>
  world.at.fetch(`/admin/api${path}`, token === undefined ? {} : { headers: { authorization: `Bearer ${token}` } });

test('RFC 6750 §3.1: without a token the answer is 401 and a challenge without an error', async () => {
  const answer = await ask(undefined);
  expect([answer.status, answer.headers.get('www-authenticate')]).toEqual([
    401,
    expect.stringMatching(/^Bearer realm="http:\/\/localhost:\d+", error_id="[^"]+"$/),
  ]);
});

test('an access token for an API, or for the server itself, is refused: its audience is another', async () => {
  const forApi = String((await world.login()).body.access_token);
  const forIssuer = String((await world.login({ resource: world.at.issuer })).body.access_token);
  for (const token of [forApi, forIssuer]) {
    const answer = await ask(token);
    expect([answer.status, (await answer.json()).detail]).toEqual([
      401,
      'The admin API takes access tokens for its own audience only.',
    ]);
  }
});

test('RFC 6750 §3.1: a token without the scope of the route is refused, and the challenge names the scope', async () => {
  const reader = await addAdministrator(world.at, ['resources:read']);
  expect((await reader.get('/resources')).status).toBe(200);
  const answer = await reader.post('/resources', { identifier: 'https://x.example', name: 'x' });
  expect([answer.status, answer.body.error]).toEqual([403, 'insufficient_scope']);
  expect(answer.headers.get('www-authenticate')).toContain('scope="resources:write"');
});

test('a token of a client that was deleted since changes nothing, though it has not expired', async () => {
  const [one, other] = [await addAdministrator(world.at), await addAdministrator(world.at)];
  expect((await one.delete(`/clients/${other.clientId}`)).status).toBe(204);
  expect((await other.get('/resources')).status).toBe(401);
  expect((await other.post('/resources', { identifier: 'https://y.example', name: 'y' })).status).toBe(401);
});

test('a token that was revoked by its id is refused', async () => {
  const [one, other] = [await addAdministrator(world.at), await addAdministrator(world.at)];
  const revoked = await one.post('/tokens/revoke', { credential: other.token });
  expect([revoked.status, revoked.body.kind, revoked.body.result]).toEqual([200, 'token', 'ended']);
  expect((await other.get('/resources')).status).toBe(401);
});

test('RFC 9700 §2.3: nobody makes an administrator who may do more than they may', async () => {
  const some = await addAdministrator(world.at, ['clients:write', 'resources:read']);
  const wanted = (scopes: readonly string[]) => ({
    name: 'Another',
    authentication: 'client_secret_basic',
    grant_types: ['client_credentials'],
    resources: [adminApiOf(world.at.issuer)],
    scopes,
  });
  expect((await some.post('/clients', wanted(['resources:read']))).status).toBe(201);
  const more = await some.post('/clients', wanted(['keys:write']));
  expect([more.status, more.body.error]).toEqual([403, 'insufficient_scope']);
  const strong = await addAdministrator(world.at);
  const taken = await some.post(`/clients/${strong.clientId}/secrets`);
  expect([taken.status, taken.body.error]).toEqual([403, 'insufficient_scope']);
});

test('a machine for the admin API is confidential, not first-party, and nothing but a machine', async () => {
  const admin = await addAdministrator(world.at);
  const resources = [adminApiOf(world.at.issuer)];
  for (const shape of [
    { authentication: 'none', grant_types: ['client_credentials'] },
    { authentication: 'client_secret_basic', first_party: true, grant_types: ['client_credentials'] },
    { authentication: 'client_secret_basic', grant_types: ['client_credentials', 'refresh_token'] },
  ])
    expect((await admin.post('/clients', { name: 'x', resources, ...shape })).status).toBe(422);
});

test('the audit log says who did what', async () => {
  const admin = await addAdministrator(world.at);
  const { body } = await admin.post('/resources', { identifier: 'https://audited.example', name: 'Audited' });
  const rows = (await admin.get(`/audit?about=${body.id}`)).body.items;
  expect(rows).toEqual([
    {
      id: expect.any(Number),
      at: expect.any(String),
      event: 'resource.created',
      actor: admin.clientId,
      subject: { resource: body.id },
      detail: { identifier: 'https://audited.example', audience: 'https://audited.example', algorithm: 'ES256' },
    },
  ]);
});

test('the audit log pages backwards without a gap', async () => {
  const admin = await addAdministrator(world.at);
  const all = (await admin.get('/audit?limit=200')).body.items;
  const first = (await admin.get('/audit?limit=3')).body;
  const second = (await admin.get(`/audit?limit=200&before=${first.next}`)).body;
  expect([...first.items, ...second.items]).toEqual(all);
});

test('JWT-22: an admin token is refused by the first-party API', async () => {
  const admin = await addAdministrator(world.at);
  const answer = await world.at.fetch('/api/me', { headers: { authorization: `Bearer ${admin.token}` } });
  expect(answer.status).toBe(401);
});

test('a client that is not for the admin API gets no token for it', async () => {
  const client = await addClient(world.at.server, { resources: [world.api.row.identifier] });
  const asked = { grant_type: 'client_credentials', resource: adminApiOf(world.at.issuer) };
  const answer = await world.at.fetch('/oauth/token', form(asked, { authorization: client.basic }));
  expect([answer.status, (await answer.json()).error]).toEqual([400, 'invalid_target']);
});
