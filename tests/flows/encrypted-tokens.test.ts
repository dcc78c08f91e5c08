import { encryptedTokenBytes } from '@latchkey/domain/tokens/token-size';
import { proveCredential } from '@latchkey/server/prove/credential';
import { addRelyingParty, codeFlow } from '@latchkey/testkit/code-flow';
import { read } from '@latchkey/testkit/people';
import { addClient, addResource, form, jsonBody } from '@latchkey/testkit/test-server';
import { decodeUnverified } from '@latchkey/tokens/formats/access-token-jwt';
import { createTokenDecrypter } from '@latchkey/tokens/formats/encrypted-token';
import {
  type EncryptionKeyPair,
  generateEncryptionKeyPair,
  importDecryptionKey,
} from '@latchkey/tokens/keys/encryption-key';
import type { Verifier } from '@latchkey/verifier';
import { compactDecrypt, createRemoteJWKSet, importJWK, jwtVerify } from 'jose';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { addAdministrator } from './admin/administrator.ts';
import { refusalOf, refusedAs, rowsOf } from './refusal.ts';
import { type ApiWorld, startApi, untilRefused } from './verifier/api.ts';

let world: ApiWorld;
let pair: EncryptionKeyPair;
let api: Awaited<ReturnType<typeof addResource>>;
let appId: string;
let machine: Awaited<ReturnType<typeof addClient>>;
let verifier: Verifier;
beforeAll(async () => {
  world = await startApi();
  const { server } = world.at;
  pair = await generateEncryptionKeyPair('P-256');
  api = await addResource(server, { format: 'jwe', encryptionKey: pair.publicJwk });
  const resources = [api.row.identifier];
  const app = { authentication: 'none', firstParty: true, grantTypes: ['refresh_token'], resources } as const;
  appId = (await addClient(server, app)).row.id;
  machine = await addClient(server, { resources });
  verifier = await addVerifier();
});
afterAll(() => world.close());

const addVerifier = (more: object = {}) =>
  world.addVerifier({
    audience: api.row.audience,
    credentials: { id: api.row.id, secret: api.secret },
    decryptionKeys: [pair.privateJwk],
    requireEncryption: true,
    ...more,
  });
const introspect = async (token: string, authorization = api.basic) =>
  (await world.at.fetch('/oauth/introspect', form({ token }, { authorization }))).json();
const signIn = async () => (await world.login({ client_id: appId })).body;
const asMachine = async (client = machine) => {
  const asked = form({ grant_type: 'client_credentials' }, { authorization: client.basic });
  return String((await read(await world.at.fetch('/oauth/token', asked))).body.access_token);
};
const revoke = (token: string, client = machine) =>
  world.at.fetch('/oauth/revoke', form({ token }, { authorization: client.basic }));

/** An access token by each way that there is. */
const GRANTS: Readonly<Record<string, () => Promise<string>>> = {
  'a login': async () => String((await signIn()).access_token),
  'a refresh': async () => {
    const { refresh_token } = await signIn();
    return String((await read(await world.at.fetch('/api/refresh', jsonBody({ refresh_token })))).body.access_token);
  },
  'a code': async () => {
    const client = await addRelyingParty(world, { resources: [api.row.identifier], authentication: 'none' });
    return String((await codeFlow(world, client, { scope: 'read', resource: api.row.identifier })).body.access_token);
  },
  'client credentials': () => asMachine(),
};

test.each(Object.keys(GRANTS))(
  'JWE-05, JWT-27: %s gives a token that the API reads, plain jose reads, and nobody else',
  async (way) => {
    const token = (await GRANTS[way]?.()) ?? '';
    expect(token.split('.')).toHaveLength(5);
    const verified = await verifier.verify(token);
    expect(verified).toMatchObject({ ok: true, value: { stale: false, credential: 'jwt' } });

    const { plaintext } = await compactDecrypt(token, await importJWK({ ...pair.privateJwk }));
    const keySet = createRemoteJWKSet(new URL(`${world.at.issuer}/.well-known/jwks.json`));
    const { payload } = await jwtVerify(plaintext, keySet, {
      issuer: world.at.issuer,
      audience: api.row.audience,
      typ: 'at+jwt',
    });
    expect(verified.ok && verified.value.claims).toEqual(payload);

    const said = Buffer.from(token.split('.')[0] ?? '', 'base64url').toString();
    expect(JSON.parse(said)).toEqual({
      alg: 'ECDH-ES+A256KW',
      enc: 'A256GCM',
      cty: 'JWT',
      kid: pair.publicJwk.kid,
      epk: expect.any(Object),
    });
    expect(token).not.toContain(Buffer.from(String(payload.sub)).toString('base64url').slice(0, 12));
  },
);

test('INT-05 RFC 7662 §2.2: introspection tells of the text that clients hold, and of what is inside', async () => {
  const token = await asMachine();
  const opened = await createTokenDecrypter([importDecryptionKey(pair.privateJwk)].filter((key) => key !== undefined))(
    token,
  );
  const inside = opened.ok ? opened.value : '';
  const outer = await introspect(token);
  expect(outer).toMatchObject({ active: true, token_type: 'Bearer', sub: machine.row.id, aud: api.row.audience });
  expect(await introspect(inside)).toEqual(outer);
  expect(await verifier.verify(inside)).toEqual({ ok: false, error: 'token_unencrypted' });
});

test('INT-02, INT-03: whatever is wrong with an encrypted token, it is not active, and nothing else is told', async () => {
  const token = await asMachine();
  const parts = token.split('.');
  const changed = [
    `${token}=`,
    token.slice(0, -1),
    `${parts[0]}....`,
    parts.with(4, 'A'.repeat(22)).join('.'),
    `${token}.x`,
    '....',
  ];
  for (const one of changed) expect(await introspect(one)).toEqual({ active: false });
  expect(await introspect(token, world.api.basic)).toEqual({ active: false });

  const why = async (text: string, resource = api.row) => {
    const context = { instance: undefined, isStrict: false };
    const proved = await proveCredential(text, resource, world.at.server, context);
    return proved.ok ? 'ok' : proved.error.error;
  };
  expect(await why('....')).toBe('token_malformed');
  expect(await why(parts.with(4, 'A'.repeat(22)).join('.'))).toBe('encrypted_token_unknown');
  expect(await why(token, world.api.row)).toBe('token_audience_wrong');
  expect(await why(token)).toBe('ok');
  expect(await introspect(token)).toMatchObject({ active: true });
});

test('REV-04, REV-07 RFC 7009 §2.1: its client revokes it by what it holds; nobody else does; verifiers refuse it', async () => {
  const token = await asMachine();
  expect(await verifier.verify(token)).toMatchObject({ ok: true });
  const other = await addClient(world.at.server, { resources: [api.row.identifier] });
  expect((await revoke(token, other)).status).toBe(400);
  expect(await introspect(token)).toMatchObject({ active: true });
  expect((await revoke(token)).status).toBe(200);
  expect(await introspect(token)).toEqual({ active: false });
  expect(await untilRefused(verifier, token)).toEqual({ ok: false, error: 'token_revoked' });
});

test('REV-07: the end of a session ends its encrypted tokens', async () => {
  const { access_token: token, refresh_token } = await signIn();
  expect(await verifier.verify(String(token))).toMatchObject({ ok: true });
  await world.at.fetch('/api/logout', jsonBody({ refresh_token }));
  expect(await untilRefused(verifier, String(token))).toEqual({ ok: false, error: 'token_revoked' });
  expect(await introspect(String(token))).toEqual({ active: false });
});

test('I4: at rest there is the hash of its text, and no part of it', async () => {
  const token = await asMachine();
  const rows = (rowsOf(world.at).token_records ?? []) as readonly Readonly<Record<string, unknown>>[];
  const stored = JSON.stringify(rows, (_, value) =>
    value instanceof Uint8Array ? Buffer.from(value).toString('hex') : value,
  );
  for (const part of token.split('.').slice(1)) {
    expect(stored).not.toContain(part);
    expect(stored).not.toContain(Buffer.from(part, 'base64url').toString('hex'));
  }
});

test.each(['P-256', 'X25519', 'RSA'] as const)('JWE-01: an API with a key of %s', async (curve) => {
  const { publicJwk, privateJwk } = await generateEncryptionKeyPair(curve);
  const own = await addResource(world.at.server, { format: 'jwe', encryptionKey: publicJwk });
  const client = await addClient(world.at.server, { resources: [own.row.identifier] });
  const its = await addVerifier({
    audience: own.row.audience,
    credentials: { id: own.row.id, secret: own.secret },
    decryptionKeys: [privateJwk],
  });
  const token = await asMachine(client);
  expect(await its.verify(token)).toMatchObject({ ok: true });
  expect(await verifier.verify(token)).toEqual({ ok: false, error: 'token_decryption_failed' });
  const { plaintext } = await compactDecrypt(token, await importJWK({ ...privateJwk }));
  expect(token).toHaveLength(encryptedTokenBytes(plaintext.length, publicJwk));
});

test('TSL-01 TSL §6.1: the place in a status list stands inside; introspection tells it, and the list its end', async () => {
  const own = await addResource(world.at.server, {
    format: 'jwe',
    encryptionKey: pair.publicJwk,
    hasStatusList: true,
  });
  const client = await addClient(world.at.server, { resources: [own.row.identifier] });
  const its = await addVerifier({
    audience: own.row.audience,
    credentials: undefined,
    revocation: 'status_list',
    requireStatus: true,
  });
  const [kept, gone] = [await asMachine(client), await asMachine(client)];
  const claims = await Promise.all(
    [kept, gone].map(async (token) => {
      const { plaintext } = await compactDecrypt(token, await importJWK({ ...pair.privateJwk }));
      expect(token).toHaveLength(encryptedTokenBytes(plaintext.length, pair.publicJwk));
      return decodeUnverified(Buffer.from(plaintext).toString())?.claims ?? {};
    }),
  );
  for (const one of claims)
    expect(one.status).toEqual({
      status_list: { idx: expect.any(Number), uri: `${world.at.issuer}/status-lists/1` },
    });
  expect(claims[0]?.status).not.toEqual(claims[1]?.status);
  expect(await introspect(kept, own.basic)).toEqual({ ...claims[0], active: true, token_type: 'Bearer' });
  expect((await revoke(gone, client)).status).toBe(200);
  expect(await introspect(gone, own.basic)).toEqual({ active: false });
  expect(await its.verify(kept)).toMatchObject({ ok: true });
  expect(await its.verify(gone)).toEqual({ ok: false, error: 'token_revoked' });
  const rows = (rowsOf(world.at).token_records ?? []) as readonly Readonly<Record<string, unknown>>[];
  const itsRows = rows.filter((one) => one.client_id === client.row.id);
  expect(itsRows.map((one) => [one.handle === null, one.status_list])).toEqual([
    [false, 1],
    [false, 1],
  ]);
});

test('nothing of the server takes an encrypted token for its own', async () => {
  const headers = { authorization: `Bearer ${String((await signIn()).access_token)}` };
  for (const path of ['/api/me', '/oauth/userinfo', '/admin/api/accounts'])
    expect([path, (await world.at.fetch(path, { headers })).status]).toEqual([path, 401]);
});

describe('an administrator says how tokens are encrypted', () => {
  test('JWE-07: a new key takes over without a refused request; the API holds both meanwhile', async () => {
    const admin = await addAdministrator(world.at);
    const [first, second] = [await generateEncryptionKeyPair('P-256'), await generateEncryptionKeyPair('X25519')];
    const identifier = 'https://rotating.example';
    const wanted = { identifier, name: 'Rotating', scopes: ['read'], format: 'jwe', encryption_key: first.publicJwk };
    const made = await admin.post('/resources', wanted);
    expect(made).toMatchObject({ status: 201, body: { format: 'jwe', encryption_key: first.publicJwk } });
    const client = await addClient(world.at.server, { resources: [made.body.identifier], scope: ['read'] });
    const its = await addVerifier({
      audience: identifier,
      credentials: { id: made.body.id, secret: made.body.secret },
      decryptionKeys: [first.privateJwk, second.privateJwk],
    });
    const kidOf = (token: string) => JSON.parse(Buffer.from(token.split('.')[0] ?? '', 'base64url').toString()).kid;
    const before = await asMachine(client);
    const { x, crv, kty } = second.publicJwk;
    const changed = await admin.patch(`/resources/${made.body.id}`, { encryption_key: { x, crv, kty } });
    expect(changed.body.encryption_key).toEqual(second.publicJwk);
    const after = await asMachine(client);
    expect([before, after].map(kidOf)).toEqual([first.publicJwk.kid, second.publicJwk.kid]);
    for (const token of [before, after]) expect(await its.verify(token)).toMatchObject({ ok: true });

    expect((await admin.patch(`/resources/${made.body.id}`, { format: 'jwt' })).status).toBe(200);
    expect((await asMachine(client)).split('.')).toHaveLength(3);
  });

  test('JWE-07: a key that is for nothing, that signs here, or is private is refused, and changes nothing', async () => {
    const admin = await addAdministrator(world.at);
    const before = (await admin.get('/resources')).body;
    const { keys } = await (await world.at.fetch('/.well-known/jwks.json')).json();
    const { kty, crv, x, y } = keys.find(({ alg }: { alg: string }) => alg === 'ES256');
    const { n, e } = keys.find(({ alg }: { alg: string }) => alg === 'RS256');
    const bad = [pair.privateJwk, { kty, crv, x, y }, { kty: 'RSA', n, e }, { ...pair.publicJwk, use: 'sig' }, {}];
    for (const encryption_key of bad) {
      const wanted = { identifier: 'https://bad.example', name: 'Bad', format: 'jwe', encryption_key };
      const asked = jsonBody(wanted, { authorization: `Bearer ${admin.token}` });
      const refused = await world.at.fetch('/admin/api/resources', asked);
      expect(await refused.clone().text()).not.toContain(String(pair.privateJwk.d));
      expect(await refusalOf(world.at, refused)).toEqual(refusedAs('encryption_key_invalid'));
      expect((await admin.patch(`/resources/${api.row.id}`, { encryption_key })).status).toBe(422);
    }
    const keyless = { identifier: 'https://bad.example', name: 'Bad', format: 'jwe' };
    expect((await admin.post('/resources', keyless)).status).toBe(422);
    expect((await admin.patch(`/resources/${world.api.row.id}`, { format: 'jwe' })).status).toBe(422);
    expect((await admin.get('/resources')).body).toEqual(before);
  });
});
