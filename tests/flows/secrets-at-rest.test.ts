import { createHash, createPrivateKey } from 'node:crypto';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { ARGON2_COST, createArgon2Hasher } from '@latchkey/server/prove/argon2-hasher';
import { secretHash } from '@latchkey/server/prove/secret';
import { macKeyPlace, seedPlace, sharedSecretPlace, signingKeyPlace } from '@latchkey/server/seal/places';
import { PASSWORD, populate, type World } from '@latchkey/testkit/people';
import { addClient, addResource, form, startTestServer, type TestServer } from '@latchkey/testkit/test-server';
import { generateEncryptionKeyPair } from '@latchkey/tokens/keys/encryption-key';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { addAdministrator, type TestAdministrator } from './admin/administrator.ts';

let world: World;
let admin: TestAdministrator;
const kek = Buffer.from('0123456789abcdef0123456789abcdef');
beforeAll(async () => {
  world = await populate(await startTestServer({ kek }));
  admin = await addAdministrator(world.at);
});
afterAll(() => world.at.close());

/** All bytes of the data folder: the database, its log, its lock. */
const onDisk = ({ data }: TestServer): readonly (readonly [string, Buffer])[] =>
  readdirSync(data).map((name) => [name, readFileSync(join(data, name))]);

/** Bytes as they are, and in the spellings that a text column or a log could hold them in. */
const spellings = (secret: Uint8Array): readonly Buffer[] => {
  const bytes = Buffer.from(secret);
  return [
    bytes,
    ...(['hex', 'base64', 'base64url'] as const).map((encoding) => Buffer.from(bytes.toString(encoding))),
    Buffer.from(bytes.toString('hex').toUpperCase()),
  ];
};
const foundIn = (secret: Uint8Array, at = world.at): readonly string[] => [
  ...onDisk(at)
    .filter(([, bytes]) => spellings(secret).some((one) => bytes.includes(one)))
    .map(([name]) => name),
  ...(spellings(secret).some((one) => Buffer.from(at.logged.join('')).includes(one)) ? ['log'] : []),
];
const foundText = (secret: string, at = world.at): readonly string[] => foundIn(Buffer.from(secret), at);

test('KEY-08 ASVS 11.1, 13.3: no private key, MAC key or seed lies in a file or the log, whole or its secret number', async () => {
  const { store, seal } = world.at.server;
  await world.login();
  const signing = await store.read.signingKeys();
  const mac = await store.read.macKeys();
  expect([signing.length >= 4, mac.length]).toEqual([true, 1]);
  for (const { kid, sealedPrivate } of signing) {
    const pkcs8 = seal.open(signingKeyPlace(kid), sealedPrivate);
    const { d = '' } = createPrivateKey({ key: Buffer.from(pkcs8), format: 'der', type: 'pkcs8' }).export({
      format: 'jwk',
    });
    expect([kid, foundIn(pkcs8), foundIn(Buffer.from(d, 'base64url'))]).toEqual([kid, [], []]);
    expect(foundIn(sealedPrivate)).not.toEqual([]); // the search does find what is there
  }
  for (const { id, sealed } of mac) expect(foundIn(seal.open(macKeyPlace(id), sealed))).toEqual([]);
  const families = (await store.read.liveSessions(world.accountId, world.at.server.now())).length;
  expect(families).toBeGreaterThan(0);
  expect(foundIn(kek)).toEqual([]);
});

test('KEY-08: the seed of a family lies in its row under a seal that opens there and nowhere else', async () => {
  const { store, seal } = world.at.server;
  const { body } = await world.login();
  const { fid } = JSON.parse(Buffer.from(String(body.access_token).split('.')[1] ?? '', 'base64url').toString());
  const family = await store.read.family(fid);
  if (family?.refresh === undefined) throw new Error('no family');
  const { seed: sealed } = family.refresh;
  const seed = seal.open(seedPlace(fid), sealed);
  expect([seed.length, foundIn(seed), foundIn(sealed).length > 0]).toEqual([16, [], true]);
  const elsewhere = [
    seedPlace('fam_00000000000000000000000000' as typeof fid),
    { ...seedPlace(fid), purpose: 'private' },
    { ...seedPlace(fid), table: 'sessions' },
    { ...seedPlace(fid), version: 2 },
  ];
  for (const place of elsewhere) expect(() => seal.open(place, sealed)).toThrow();
  for (let at = 0; at < sealed.length; at++) {
    const changed = sealed.slice() as typeof sealed;
    changed[at] = (changed[at] ?? 0) ^ 1;
    expect(() => seal.open(seedPlace(fid), changed)).toThrow();
  }
});

test('CAU-14 ASVS 6.5.2, 13.3: a secret is shown once, and of it there is a hash', async () => {
  const api = world.api.row.identifier;
  const made = await admin.post('/clients', {
    name: 'Job',
    authentication: 'client_secret_basic',
    grant_types: ['client_credentials'],
    resources: [api],
  });
  const { client_id: id, client_secret: secret } = made.body;
  const rotated = (await admin.post(`/clients/${id}/secrets`, { overlap_seconds: 60 })).body.client_secret;
  const resource = (await admin.post('/resources', { identifier: 'https://once.example', name: 'Once' })).body;
  for (const one of [secret, rotated, resource.secret]) {
    expect([foundText(one), foundText(one.slice(6))]).toEqual([[], []]);
    expect(foundText(secretHash(one))).not.toEqual([]);
  }
  const shown = JSON.stringify([
    (await admin.get(`/clients/${id}`)).body,
    (await admin.get('/clients')).body,
    (await admin.get('/resources')).body,
    (await admin.get('/audit?limit=200')).body,
  ]);
  for (const one of [secret, rotated, resource.secret])
    expect([shown.includes(one), shown.includes(secretHash(one))]).toEqual([false, false]);
});

test('CAU-14: two secrets are good at a time, each with its own end', async () => {
  const resource = world.api.row.identifier;
  const wanted = {
    name: 'Job',
    authentication: 'client_secret_basic',
    grant_types: ['client_credentials'],
    resources: [resource],
  };
  const { client_id: id, client_secret: first } = (await admin.post('/clients', wanted)).body;
  const second = (await admin.post(`/clients/${id}/secrets`, { overlap_seconds: 3_600 })).body.client_secret;
  const get = async (secret: string) => {
    const authorization = `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}`;
    return (await world.at.fetch('/oauth/token', form({ grant_type: 'client_credentials' }, { authorization }))).status;
  };
  expect([await get(first), await get(second)]).toEqual([200, 200]);
  const { secrets } = (await admin.get(`/clients/${id}`)).body;
  expect(secrets.map(({ expires_at: end }: { expires_at?: string }) => end !== undefined)).toEqual([true, false]);
});

test('NUM-11 OAuth 2.1, ASVS 7.2.3: secrets hold 256 random bits, and what is told to a page no less', async () => {
  const made = await admin.post('/resources', { identifier: 'https://bits.example', name: 'Bits' });
  const client = await admin.post('/clients', {
    name: 'Bits',
    authentication: 'client_secret_basic',
    grant_types: ['client_credentials'],
  });
  const page = { origin: world.at.issuer, 'sec-fetch-site': 'same-origin', 'x-latchkey-csrf': 'login' };
  const { body, cookies } = await world.login({ delivery: 'cookie' }, page);
  const bits = (text: string) => 8 * Buffer.from(text.replace(/^lk_[a-z]+_/, ''), 'base64url').length;
  expect([bits(made.body.secret), bits(client.body.client_secret), bits(String(body.csrf_token))]).toEqual([
    256, 256, 256,
  ]);
  // of its 59 bytes 32 are MACs that nobody can make without the server's key and the family's seed
  expect(bits(String(cookies['__Host-latchkey-refresh']))).toBe(8 * 59);
});

test('NUM-11: nothing that is random comes twice', async () => {
  const { entropy } = world.at.server;
  const seen = new Set(Array.from({ length: 10_000 }, () => Buffer.from(entropy(32)).toString('hex')));
  expect(seen.size).toBe(10_000);
});

test('NUM-12 RFC 9106 §4, OWASP Password Storage: a password is hashed at the full cost, with a salt of its own', async () => {
  const hasher = createArgon2Hasher({ cost: ARGON2_COST, concurrency: 1, queueMax: 2, onQueue: () => undefined });
  const hashes = [await hasher.hash(PASSWORD), await hasher.hash(PASSWORD)].map((one) => (one.ok ? one.value : ''));
  for (const phc of hashes) {
    const [, algorithm, version, cost, salt = '', tag = ''] = phc.split('$');
    expect([algorithm, version, cost]).toEqual(['argon2id', 'v=19', 'm=47104,t=1,p=1']);
    expect([Buffer.from(salt, 'base64').length, Buffer.from(tag, 'base64').length]).toEqual([16, 32]);
    expect([await hasher.verify(PASSWORD, phc), await hasher.verify(`${PASSWORD} `, phc)]).toEqual([
      { ok: true, value: true },
      { ok: true, value: false },
    ]);
    expect([hasher.isOutdated(phc), hasher.isOutdated(phc.replace('m=47104', 'm=47103'))]).toEqual([false, true]);
  }
  expect(new Set(hashes).size).toBe(2);
});

test('a password lies nowhere, as it was typed or otherwise', () => {
  expect(foundText(PASSWORD)).toEqual([]);
});

test('I4: of an opaque token there is the hash of its random part, in no spelling that part itself, nor the whole', async () => {
  const api = await addResource(world.at.server, { format: 'opaque' });
  const client = await addClient(world.at.server, { resources: [api.row.identifier] });
  const asked = form({ grant_type: 'client_credentials' }, { authorization: client.basic });
  const { access_token: token } = await (await world.at.fetch('/oauth/token', asked)).json();
  const random = Buffer.from(token.slice('lk_at_'.length), 'base64url').subarray(5, 21);
  expect([foundText(token), foundText(token.slice(6)), foundIn(random)]).toEqual([[], [], []]);
  expect(foundText(createHash('sha256').update(random).digest('base64url'))).not.toEqual([]);
});

const tokenFor = async (resource: string): Promise<string> => {
  const client = await addClient(world.at.server, { resources: [resource as never] });
  const asked = form({ grant_type: 'client_credentials' }, { authorization: client.basic });
  return (await (await world.at.fetch('/oauth/token', asked)).json()).access_token;
};
/** The parts of a token that nobody can make anew; its header is the same for many. */
const tail = (token: string): readonly string[] => token.split('.').slice(2);

test('KEY-08, KEY-03: a secret that an API shares lies under a seal that opens in its row and nowhere else', async () => {
  const { store, seal } = world.at.server;
  const made = (await admin.post('/resources', { identifier: 'https://shared.example', name: 'S', algorithm: 'HS256' }))
    .body;
  const next = (await admin.post(`/resources/${made.id}/shared-secrets`, {})).body;
  const token = await tokenFor('https://shared.example');
  for (const { kid, secret } of [made.shared_secret, next]) {
    const sealed = (await store.read.sharedSecrets()).find((one) => one.kid === kid)?.sealed ?? expect.fail();
    const bytes = Buffer.from(secret, 'base64url');
    expect([bytes.length, Buffer.from(seal.open(sharedSecretPlace(kid), sealed)).equals(bytes)]).toEqual([32, true]);
    expect([foundIn(bytes), foundText(secret), foundIn(sealed).length > 0]).toEqual([[], [], true]);
    const elsewhere = [sharedSecretPlace('other'), signingKeyPlace(kid), { ...sharedSecretPlace(kid), version: 2 }];
    for (const place of elsewhere) expect(() => seal.open(place, sealed)).toThrow();
  }
  expect(tail(token).map((part) => foundText(part))).toEqual([[]]);
  const audit = JSON.stringify((await admin.get('/audit?limit=200')).body);
  expect([made.shared_secret, next].map(({ secret }) => audit.includes(secret))).toEqual([false, false]);
});

test('I4: of an encrypted token there is the hash of its text; a private key that was sent is nowhere', async () => {
  const { publicJwk, privateJwk } = await generateEncryptionKeyPair('P-256');
  const wanted = { identifier: 'https://encrypted.example', name: 'E', format: 'jwe', status_list: true };
  expect((await admin.post('/resources', { ...wanted, encryption_key: privateJwk })).status).toBe(422);
  expect((await admin.post('/resources', { ...wanted, encryption_key: publicJwk })).status).toBe(201);
  const token = await tokenFor('https://encrypted.example');
  expect([
    foundText(token),
    ...token
      .split('.')
      .slice(1)
      .map((part) => foundText(part)),
  ]).toEqual(Array.from({ length: 5 }, () => []));
  expect(foundText(createHash('sha256').update(token).digest('base64url'))).not.toEqual([]);
  expect([foundText(String(privateJwk.d)), foundIn(Buffer.from(String(privateJwk.d), 'base64url'))]).toEqual([[], []]);
});

test('I4: of a token with a place in a status list there is what it says, and no signature', async () => {
  await admin.post('/resources', { identifier: 'https://listed.example', name: 'L', status_list: true });
  const token = await tokenFor('https://listed.example');
  const { jti } = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString());
  expect(await world.at.server.store.read.tokenRecord(jti)).toMatchObject({ status: { list: 1 } });
  expect([foundText(token), ...tail(token).map((part) => foundText(part))]).toEqual([[], []]);
});

test('the secret of a hook signs what is sent to it, and lies nowhere', async () => {
  const claimHookSecret = 'k'.repeat(16) + '0123456789abcdef'.repeat(3);
  const signatures: unknown[] = [];
  const hook = createServer((request, response) => {
    signatures.push(request.headers['latchkey-signature']);
    request.resume().on('end', () => response.setHeader('content-type', 'application/json').end('{}'));
  }).listen(0, '127.0.0.1');
  await once(hook, 'listening');
  const address = hook.address();
  const origin = `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`;
  const settings = { claimHook: `${origin}/claims`, claimHookSecretFile: 'somewhere', fetchAllow: origin };
  const other = await populate(await startTestServer({ kek, settings, claimHookSecret }));
  try {
    expect((await other.login()).status).toBe(200);
    expect(signatures).toEqual([expect.stringMatching(/^t=\d+,v1=[0-9a-f]{64}$/)]);
    expect(foundText(claimHookSecret, other.at)).toEqual([]);
  } finally {
    await other.at.close();
    hook.closeAllConnections();
    hook.close();
  }
});

test('APK-02 ASVS 6.5.2: of an API key there is a hash, after a rotation and an exchange, too', async () => {
  const wanted = { owner: world.accountId, name: 'Import', resource: world.api.row.identifier };
  const made = (await admin.post('/api-keys', wanted)).body;
  const rotated = (await admin.post(`/api-keys/${made.id}/rotate`, { overlap_seconds: 60 })).body;
  const asked = {
    grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
    subject_token_type: 'urn:latchkey:params:oauth:token-type:api_key',
  };
  for (const key of [made.secret, rotated.secret]) {
    const secret = key.slice(-49, -6);
    const answer = await world.at.fetch('/oauth/token', form({ ...asked, subject_token: key }));
    expect(answer.status).toBe(200);
    await world.at.fetch('/oauth/token', form({ ...asked, subject_token: `${key.slice(0, -1)}_` }));
    const { access_token: token } = await answer.json();
    expect([foundText(key), foundText(secret), foundText(token)]).toEqual([[], [], []]);
    expect(foundText(secretHash(secret))).not.toEqual([]);
  }
});
