import { generateKeyPairSync } from 'node:crypto';
import { encryptedTokenBytes, signedTokenBytes } from '@latchkey/domain/tokens/token-size';
import { type PublicEncryptionJwk, SIGNING_ALGORITHMS } from '@latchkey/protocol/jwk';
import { addRelyingParty, codeFlow } from '@latchkey/testkit/code-flow';
import { populate, type World } from '@latchkey/testkit/people';
import { addClient, addResource, form, startTestServer } from '@latchkey/testkit/test-server';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { addAdministrator, type TestAdministrator } from './admin/administrator.ts';
import { refusalOf, refusedAs, rowsOf } from './refusal.ts';

let world: World;
let admin: TestAdministrator;
let resource: string;
beforeAll(async () => {
  world = await populate(await startTestServer());
  admin = await addAdministrator(world.at);
  resource = `/resources/${world.api.row.id}`;
  await admin.put(`/accounts/${world.accountId}/metadata`, {
    tenant: 'acme',
    values: { plan: 'größte', seats: 12, beta: true, regions: ['north', 'south'], shoe_size: 38 },
  });
  for (const role of ['clerk', 'guest'])
    await admin.post(`/accounts/${world.accountId}/roles`, { resource: world.api.row.identifier, role });
  await admin.patch(resource, {
    claims: [
      { claim: 'https://api.example/plan', from: 'plan' },
      { claim: 'regions', from: 'regions' },
      { claim: 'seats', from: 'seats' },
      { claim: 'missing', from: 'missing' },
    ],
    permissions: { clerk: ['orders:write', 'orders:read'], guest: ['orders:read'], boss: ['everything'] },
  });
});
afterAll(() => world.at.close());

const claimsOf = (token: unknown) => JSON.parse(Buffer.from(String(token).split('.')[1] ?? '', 'base64url').toString());

/** What the mapping, the roles and the tenant amount to. */
const ADDED = {
  roles: ['clerk', 'guest'],
  permissions: ['orders:read', 'orders:write'],
  org_id: 'acme',
  'https://api.example/plan': 'größte',
  regions: ['north', 'south'],
  seats: 12,
};
const NEVER = ['email', 'name', 'username', 'preferred_username', 'shoe_size', 'beta', 'missing'];

describe('RSV-08: what tokens of people say beyond the standard', () => {
  test('after a login, and after each refresh as it is then', async () => {
    const login = await world.login();
    expect(claimsOf(login.body.access_token)).toMatchObject(ADDED);
    expect(Object.keys(claimsOf(login.body.access_token))).not.toEqual(expect.arrayContaining(NEVER));
    const refresh = (token: unknown) => world.post('/api/refresh', { refresh_token: token });
    const first = await refresh(login.body.refresh_token);
    expect(claimsOf(first.body.access_token)).toMatchObject(ADDED);
    const path = `/accounts/${world.accountId}/metadata`;
    const before = (await admin.get(path)).body;
    await admin.put(path, { tenant: 'umbrella', values: { seats: 13 } });
    const second = claimsOf((await refresh(first.body.refresh_token)).body.access_token);
    expect(second).toMatchObject({ org_id: 'umbrella', seats: 13 });
    expect(second).not.toHaveProperty('regions');
    await admin.put(path, { tenant: before.tenant, values: before.values });
  });

  test('after a code; the ID token says nothing of it, nor does userinfo', async () => {
    const client = await addRelyingParty(world);
    const { body } = await codeFlow(world, client, { scope: 'openid offline_access read' });
    expect(claimsOf(body.access_token)).toMatchObject(ADDED);
    const own = Object.keys(ADDED);
    expect(Object.keys(claimsOf(body.id_token)).filter((name) => own.includes(name))).toEqual([]);
    const fields = { grant_type: 'refresh_token', refresh_token: body.refresh_token ?? '' };
    const refreshed = await (
      await world.at.fetch(
        '/oauth/token',
        form({ ...fields, resource: world.at.issuer }, { authorization: client.basic }),
      )
    ).json();
    const atIssuer = claimsOf(refreshed.access_token);
    expect([atIssuer.org_id, Object.keys(atIssuer).filter((name) => own.includes(name))]).toEqual(['acme', ['org_id']]);
    const headers = { authorization: `Bearer ${refreshed.access_token}` };
    const userinfo = await (await world.at.fetch('/oauth/userinfo', { headers })).json();
    expect(Object.keys(userinfo)).toEqual(['sub']);
  });

  test('a machine has neither roles nor metadata, and its token says nothing of either', async () => {
    const client = await addClient(world.at.server, { resources: [world.api.row.identifier] });
    const answer = await world.at.fetch(
      '/oauth/token',
      form({ grant_type: 'client_credentials' }, { authorization: client.basic }),
    );
    const claims = claimsOf((await answer.json()).access_token);
    expect(Object.keys(claims).sort()).toEqual(['aud', 'client_id', 'exp', 'iat', 'iss', 'jti', 'pos', 'scope', 'sub']);
  });

  test('introspection tells what the token says', async () => {
    const { body } = await world.login();
    const token = body.access_token ?? '';
    const answer = await world.at.fetch('/oauth/introspect', form({ token }, { authorization: world.api.basic }));
    expect(await answer.json()).toMatchObject({ active: true, ...ADDED });
  });
});

describe('how large a token may become', () => {
  test.each(SIGNING_ALGORITHMS)('its size is known to the byte before it is made: %s', async (algorithm) => {
    const api = await addResource(world.at.server, { algorithm, tokenType: algorithm === 'ES256' ? 'JWT' : 'at+jwt' });
    await admin.patch(`/resources/${api.row.id}`, { algorithm });
    const client = await addClient(world.at.server, { resources: [api.row.identifier] });
    for (const scope of ['read', 'write', 'read write']) {
      const asked = form({ grant_type: 'client_credentials', scope }, { authorization: client.basic });
      const { access_token: token } = await (await world.at.fetch('/oauth/token', asked)).json();
      expect(token).toHaveLength(signedTokenBytes(claimsOf(token), api.row));
    }
  });

  test.each([
    ['ECDH-ES+A256KW', 'P-256', generateKeyPairSync('ec', { namedCurve: 'P-256' })],
    ['ECDH-ES+A256KW', 'X25519', generateKeyPairSync('x25519')],
    ['RSA-OAEP-256', '2048 bits', generateKeyPairSync('rsa', { modulusLength: 2048 })],
    ['RSA-OAEP-256', '3072 bits', generateKeyPairSync('rsa', { modulusLength: 3072 })],
  ] as const)('and so is that of an encrypted one: %s, %s', async (alg, _, { publicKey }) => {
    const encryptionKey = { ...publicKey.export({ format: 'jwk' }), kid: 'k1', alg, use: 'enc' } as PublicEncryptionJwk;
    const api = await addResource(world.at.server, { format: 'jwe', encryptionKey });
    const client = await addClient(world.at.server, { resources: [api.row.identifier] });
    for (const scope of ['read', 'write', 'read write']) {
      const asked = form({ grant_type: 'client_credentials', scope }, { authorization: client.basic });
      const { access_token: token } = await (await world.at.fetch('/oauth/token', asked)).json();
      const introspected = await world.at.fetch('/oauth/introspect', form({ token }, { authorization: api.basic }));
      const { active: _active, token_type: _type, ...claims } = await introspected.json();
      expect(token).toHaveLength(encryptedTokenBytes(signedTokenBytes(claims, api.row), encryptionKey));
    }
  });

  test('access_token_too_large: it is refused where it is made, by name and never by value, and nothing changes', async () => {
    const client = await addRelyingParty(world);
    const path = `/accounts/${world.accountId}/metadata`;
    const login = await world.login();
    const values = { plan: 'x'.repeat(900), regions: ['north'], seats: 1 };
    await admin.put(path, { tenant: 'acme', values: { ...values, beta: true } });
    await admin.patch(resource, { access_token_bytes: 1_024 });
    const before = rowsOf(world.at);

    const refused = await world.post('/api/refresh', { refresh_token: login.body.refresh_token });
    expect([refused.status, refused.body.error]).toEqual([400, 'invalid_request']);
    expect(refused.body.error_description).toMatch(
      /would have \d+ bytes where 1024 may be; the largest claims: https:\/\/api.example\/plan 929, client_id 44, permissions 44\.$/,
    );
    expect(refused.body.error_description).not.toContain('xxx');
    expect(rowsOf(world.at)).toEqual(before);
    const again = await world.login();
    expect([again.status, again.body.error]).toEqual([400, 'invalid_request']);
    expect(again.body.detail).toContain('https://api.example/plan');
    await expect(codeFlow(world, client, { scope: 'openid read' })).resolves.toMatchObject({
      status: 400,
      body: { error: 'invalid_request' },
    });
    expect(world.at.logged.join('')).toContain('access_token_too_large');

    // the refresh token is as good as it was, once there is room again
    await admin.patch(resource, { access_token_bytes: 4_096 });
    const after = await world.post('/api/refresh', { refresh_token: login.body.refresh_token });
    expect([after.status, claimsOf(after.body.access_token).seats]).toEqual([200, 1]);
  });

  test('access_token_too_large: a machine’s too', async () => {
    const scope = Array.from({ length: 40 }, (_, index) => `a-long-name-of-a-scope-${index}`);
    const api = await addResource(world.at.server, { scope, accessTokenBytes: 512 });
    const client = await addClient(world.at.server, { scope, resources: [api.row.identifier] });
    const asked = form({ grant_type: 'client_credentials' }, { authorization: client.basic });
    const before = rowsOf(world.at);
    const answer = await world.at.fetch('/oauth/token', asked);
    expect(await refusalOf(world.at, answer)).toEqual(refusedAs('access_token_too_large'));
    expect(rowsOf(world.at)).toEqual(before);
  });
});
