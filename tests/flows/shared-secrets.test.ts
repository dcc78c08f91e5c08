import { createHmac } from 'node:crypto';
import { DURATIONS } from '@latchkey/protocol/limits';
import { proveCredential } from '@latchkey/server/prove/credential';
import { testClock } from '@latchkey/testkit/clock';
import { populate, read, type World } from '@latchkey/testkit/people';
import { addClient, form, startTestServer } from '@latchkey/testkit/test-server';
import { createVerifier, type Verifier } from '@latchkey/verifier';
import { jwtVerify, SignJWT } from 'jose';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { addAdministrator, type TestAdministrator } from './admin/administrator.ts';
import { refusalOf, refusedAs } from './refusal.ts';

interface Shared {
  readonly kid: string;
  readonly secret: string;
}
interface Api {
  readonly id: string;
  readonly identifier: string;
  readonly secret: string;
  readonly shared_secret: Shared;
}

const clock = testClock();
let world: World;
let admin: TestAdministrator;
let api: Api;
let machine: Awaited<ReturnType<typeof addClient>>;
const verifiers: Verifier[] = [];
beforeAll(async () => {
  world = await populate(await startTestServer({ now: clock.now }));
  await world.at.listen();
  admin = await addAdministrator(world.at);
  api = await addApi('https://shared.example');
  machine = await addClient(world.at.server, { resources: [api.identifier as never] });
});
afterAll(async () => {
  for (const one of verifiers) one.close();
  await world.at.close();
});

async function addApi(identifier: string): Promise<Api> {
  const made = await admin.post('/resources', {
    identifier,
    name: 'API',
    scopes: ['read', 'write'],
    algorithm: 'HS256',
  });
  expect(made).toMatchObject({ status: 201, body: { algorithm: 'HS256', shared_secret: { kid: expect.any(String) } } });
  return made.body;
}
async function addVerifier(own: Api, sharedSecrets: readonly Shared[] = [own.shared_secret]): Promise<Verifier> {
  const { id, secret, identifier: audience } = own;
  const { issuer } = world.at;
  const made = createVerifier({ issuer, audience, credentials: { id, secret }, sharedSecrets, now: clock.now });
  verifiers.push(made);
  await made.ready();
  return made;
}
const basicOf = ({ id, secret }: Api) => `Basic ${btoa(`${id}:${secret}`)}`;
const introspect = async (token: string, own = api) =>
  (await world.at.fetch('/oauth/introspect', form({ token }, { authorization: basicOf(own) }))).json();
const asMachine = async (client = machine) => {
  const asked = form({ grant_type: 'client_credentials' }, { authorization: client.basic });
  return String((await read(await world.at.fetch('/oauth/token', asked))).body.access_token);
};
const headerOf = (token: string) => JSON.parse(Buffer.from(token.split('.')[0] ?? '', 'base64url').toString());
const bytesOf = ({ secret }: Shared) => Buffer.from(secret, 'base64url');
const claimsOf = (token: string) => JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString());
/** What an API could make itself: any claims, under the secret that it shares. */
const forge = (claims: object, { kid, secret }: Shared = api.shared_secret) =>
  new SignJWT({ ...claims })
    .setProtectedHeader({ alg: 'HS256', typ: 'at+jwt', kid })
    .sign(Buffer.from(secret, 'base64url'));

test('a token is signed under the secret; our verifier and plain jose verify it, and introspection tells of it', async () => {
  const token = await asMachine();
  expect(headerOf(token)).toEqual({ alg: 'HS256', typ: 'at+jwt', kid: api.shared_secret.kid });
  const verified = await (await addVerifier(api)).verify(token);
  const { payload } = await jwtVerify(token, bytesOf(api.shared_secret), {
    algorithms: ['HS256'],
    issuer: world.at.issuer,
    audience: api.identifier,
    currentDate: new Date(clock.now()),
  });
  expect(verified.ok && verified.value.claims).toEqual(payload);
  expect(await introspect(token)).toEqual({ ...payload, active: true, token_type: 'Bearer' });
});

test('KEY-03: no secret is ever in the key set, in a list, or told twice', async () => {
  const seen = [
    await (await world.at.fetch('/.well-known/jwks.json')).text(),
    JSON.stringify((await admin.get('/resources')).body),
    JSON.stringify((await admin.patch(`/resources/${api.id}`, { name: 'Renamed' })).body),
  ].join('\n');
  expect(seen).not.toContain(api.shared_secret.secret);
  expect(seen).not.toContain(api.shared_secret.kid);
});

test('RFC 8725 §2.1: what an API makes itself is believed by nobody else', async () => {
  const good = claimsOf(await asMachine());
  const now = Math.floor(clock.now() / 1000);
  const forged = await forge({ ...good, jti: 'tok_00000000000000000000000000', sub: world.accountId });
  const grown = await forge({ ...good, sub: world.accountId, scope: 'read write everything' });
  const why = async (text: string) => {
    const resource = await world.at.server.store.read.resourceById(api.id as never);
    if (resource === undefined) throw new Error('no resource');
    const proved = await proveCredential(text, resource, world.at.server, { instance: undefined, isStrict: false });
    return proved.ok ? proved.value.sub : proved.error.error;
  };
  expect(await why(forged)).toBe('shared_secret_token_unknown');
  expect(await why(await forge({ ...good, jti: 'x' }))).toBe('shared_secret_token_unknown');
  expect(await why(grown)).toBe(machine.row.id); // what the server put down, not what the token says
  expect(await why(await forge(good, { ...api.shared_secret, kid: 'other' }))).toBe('token_algorithm_refused');
  const other = await addApi('https://other-shared.example');
  expect(await introspect(await asMachine(), other)).toEqual({ active: false });

  for (const audience of [world.at.issuer, `${world.at.issuer}/admin/api`]) {
    const token = await forge({
      ...good,
      aud: audience,
      sub: world.accountId,
      exp: now + 60,
      scope: 'openid accounts:read',
    });
    const headers = { authorization: `Bearer ${token}` };
    for (const path of ['/api/me', '/oauth/userinfo', '/admin/api/accounts'])
      expect([path, (await world.at.fetch(path, { headers })).status]).toEqual([path, 401]);
  }
  const revoked = await world.at.fetch(
    '/oauth/revoke',
    form({ token: await asMachine() }, { authorization: machine.basic }),
  );
  expect(await refusalOf(world.at, revoked)).toEqual(refusedAs('token_type_unsupported'));
  expect((await admin.post('/tokens/revoke', { credential: forged })).status).toBe(404);
});

test('REV-07: by its id an administrator ends it, and introspection says so at once', async () => {
  const token = await asMachine();
  expect((await admin.post('/tokens/revoke', { id: claimsOf(token).jti })).status).toBe(200);
  expect(await introspect(token)).toEqual({ active: false });
});

test('JWT-07: no public key becomes a secret, and no secret signs for another algorithm', async () => {
  const verifier = await addVerifier(api);
  const { keys } = await (await world.at.fetch('/.well-known/jwks.json')).json();
  const good = claimsOf(await asMachine());
  const text = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const under = (key: string | Buffer, header: object) => {
    const input = `${text({ typ: 'at+jwt', ...header })}.${text(good)}`;
    return `${input}.${createHmac('sha256', key).update(input).digest('base64url')}`;
  };
  const { kid } = api.shared_secret;
  const tries = keys.flatMap((jwk: { kid: string; n?: string; x?: string }) =>
    [JSON.stringify(jwk), jwk.n ?? jwk.x ?? '', ''].map((key) => under(key, { alg: 'HS256', kid: jwk.kid })),
  );
  for (const token of tries)
    expect(await verifier.verify(token)).toEqual({ ok: false, error: 'token_algorithm_refused' });
  const secret = bytesOf(api.shared_secret);
  for (const header of [
    { alg: 'HS256' },
    { alg: 'ES256', kid },
    { alg: 'HS512', kid },
    { alg: 'none', kid },
    { alg: 'hs256', kid },
  ])
    expect([header, (await verifier.verify(under(secret, header))).ok]).toEqual([header, false]);
  expect(await verifier.verify(under('', { alg: 'HS256', kid }))).toEqual({
    ok: false,
    error: 'token_signature_invalid',
  });
  expect((await verifier.verify(under(secret, { alg: 'HS256', kid }))).ok).toBe(true);
  const without = await addVerifier(api, []);
  expect((await without.verify(under(secret, { alg: 'HS256', kid }))).ok).toBe(false);
});

describe('rotation', () => {
  beforeEach(async () => {
    admin = await addAdministrator(world.at);
  });

  test('a new secret signs when its delay is over; no request is refused, and the old one goes with its last token', async () => {
    const own = await addApi('https://rotating-shared.example');
    const client = await addClient(world.at.server, { resources: [own.identifier as never] });
    const made = await admin.post(`/resources/${own.id}/shared-secrets`, { delay_seconds: 600 });
    expect(made).toMatchObject({ status: 201, body: { signs_from: new Date(clock.now() + 600_000).toISOString() } });
    const next: Shared = made.body;
    const verifier = await addVerifier(own, [own.shared_secret, next]);
    const kids: string[] = [];
    let last = '';
    for (const seconds of [0, 599, 1]) {
      clock.advance(seconds * 1000);
      last = kids.at(-1) === next.kid ? last : await asMachine(client);
      kids.push(headerOf(last).kid);
      expect(await verifier.verify(last)).toMatchObject({ ok: true });
      expect(await introspect(last, own)).toMatchObject({ active: true });
    }
    expect(kids).toEqual([own.shared_secret.kid, own.shared_secret.kid, next.kid]);
    admin = await addAdministrator(world.at);
    const secrets = () => world.at.server.store.read.sharedSecrets();
    const old = (await secrets()).find(({ kid }) => kid === own.shared_secret.kid);
    expect(old?.retiresAt).toBe(clock.now() + DURATIONS.eventRetention * 1000);
    clock.advance(DURATIONS.eventRetention * 1000);
    admin = await addAdministrator(world.at);
    await admin.post(`/resources/${own.id}/shared-secrets`, {});
    expect((await secrets()).some(({ kid }) => kid === own.shared_secret.kid)).toBe(false);
  });

  test('a secret that somebody else has is refused everywhere at once', async () => {
    const own = await addApi('https://leaked-shared.example');
    const client = await addClient(world.at.server, { resources: [own.identifier as never] });
    const verifier = await addVerifier(own);
    const token = await asMachine(client);
    expect(await verifier.verify(token)).toMatchObject({ ok: true });
    const made = await admin.post(`/resources/${own.id}/shared-secrets`, { revoke_others: true });
    expect(made.status).toBe(201);
    await expect.poll(async () => (await verifier.verify(token)).ok, { timeout: 15_000 }).toBe(false);
    expect(await verifier.verify(token)).toEqual({ ok: false, error: 'token_key_revoked' });
    expect(await introspect(token, own)).toEqual({ active: false });
    expect(headerOf(await asMachine(client)).kid).toBe(made.body.kid);
  });

  test('one secret more than may live at a time is refused', async () => {
    const own = await addApi('https://many-shared.example');
    const statuses: number[] = [];
    for (let n = 0; n < 5; n++) statuses.push((await admin.post(`/resources/${own.id}/shared-secrets`)).status);
    expect(statuses.map((status) => status === 201)).toEqual([true, true, true, true, false]);
    expect((await admin.post('/resources/res_0000000000000000000000000A/shared-secrets')).status).toBe(404);
  });

  test('a resource that goes over to HS256 gets its secret then, once', async () => {
    const made = await admin.post('/resources', { identifier: 'https://goes-over.example', name: 'X' });
    expect(made.body.shared_secret).toBeUndefined();
    const changed = await admin.patch(`/resources/${made.body.id}`, { algorithm: 'HS256' });
    expect(changed.body.shared_secret).toMatchObject({ secret: expect.stringMatching(/^[A-Za-z0-9_-]{43}$/) });
    await admin.patch(`/resources/${made.body.id}`, { algorithm: 'ES256' });
    expect(
      (await admin.patch(`/resources/${made.body.id}`, { algorithm: 'HS256' })).body.shared_secret,
    ).toBeUndefined();
  });
});
