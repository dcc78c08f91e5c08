import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { deflateSync } from 'node:zlib';
import { createVerifier, type Verifier, type VerifierOptions } from '@latchkey/verifier';
import { type CryptoKey, exportJWK, generateKeyPair, SignJWT } from 'jose';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';

/** An issuer that knows OpenID Connect and no Latchkey: its keys, tokens and lists are made with jose and zlib alone. */
const AUDIENCE = 'https://api.example';
let server: Server;
let issuer: string;
let asked: string[];
let revoked: Set<number>;
let keys: Readonly<Record<'RS256' | 'ES256' | 'PS256', CryptoKey>>;
let verifier: Verifier;
const verifiers: Verifier[] = [];

beforeAll(async () => {
  const pairs = { RS256: await pairOf('RS256'), ES256: await pairOf('ES256'), PS256: await pairOf('PS256') };
  keys = { RS256: pairs.RS256.privateKey, ES256: pairs.ES256.privateKey, PS256: pairs.PS256.privateKey };
  const published = await Promise.all(
    Object.entries(pairs).map(async ([alg, { publicKey }]) => ({ ...(await exportJWK(publicKey)), kid: alg, alg })),
  );
  server = createServer(async (request, response) => {
    const path = request.url ?? '';
    asked.push(path);
    const metadata = { issuer, jwks_uri: `${issuer}/certs`, authorization_endpoint: `${issuer}/auth` };
    const answers: Readonly<Record<string, () => unknown>> = {
      '/realms/one/.well-known/openid-configuration': () => metadata,
      '/realms/one/certs': () => ({ keys: [...published, { kty: 'EC', crv: 'secp256k1', kid: 'of no use' }] }),
    };
    if (path === '/realms/one/status/7') {
      response.setHeader('content-type', 'application/statuslist+jwt');
      return response.end(await list());
    }
    const answer = answers[path]?.();
    response.statusCode = answer === undefined ? 404 : 200;
    response.setHeader('content-type', 'application/json');
    return response.end(JSON.stringify(answer ?? {}));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  issuer = `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}/realms/one`;
});
beforeEach(async () => {
  asked = [];
  revoked = new Set([5]);
  verifier = await addVerifier();
});
afterEach(() => {
  for (const one of verifiers.splice(0)) one.close();
});
afterAll(() => server.close());

const pairOf = (alg: string) => generateKeyPair(alg, { extractable: true });
const nowSeconds = () => Math.floor(Date.now() / 1000);

/** A list of 64 places, one bit each, the lowest bit of a byte first. @spec TSL draft-21 §4.1, §5.1 */
async function list(): Promise<string> {
  const bytes = new Uint8Array(8);
  for (const idx of revoked) bytes[idx >> 3] = (bytes[idx >> 3] ?? 0) | (1 << (idx & 7));
  const lst = deflateSync(bytes, { level: 9 }).toString('base64url');
  return new SignJWT({ status_list: { bits: 1, lst }, ttl: 60 })
    .setProtectedHeader({ alg: 'ES256', kid: 'ES256', typ: 'statuslist+jwt' })
    .setSubject(`${issuer}/status/7`)
    .setIssuedAt()
    .setExpirationTime('1h')
    .sign(keys.ES256);
}
async function addVerifier(options: Partial<VerifierOptions> = {}): Promise<Verifier> {
  const made = createVerifier({
    issuer,
    audience: AUDIENCE,
    revocation: 'status_list',
    tokenType: 'JWT',
    ...options,
  });
  verifiers.push(made);
  await made.ready();
  return made;
}
const good = () => ({
  iss: issuer,
  sub: 'f:1:ada',
  aud: AUDIENCE,
  client_id: 'shop',
  jti: crypto.randomUUID(),
  iat: nowSeconds(),
  exp: nowSeconds() + 300,
  scope: 'orders:read email',
});
const placed = (idx: number) => ({ status: { status_list: { idx, uri: `${issuer}/status/7` } } });
const sign = (claims: object = {}, header: object = {}, alg: keyof typeof keys = 'RS256') =>
  new SignJWT({ ...good(), ...claims }).setProtectedHeader({ alg, kid: alg, typ: 'JWT', ...header }).sign(keys[alg]);

test('OIDC Discovery §4: an issuer without OAuth metadata is found by those of OpenID Connect', async () => {
  const origin = new URL(issuer).origin;
  expect(asked.map((path) => origin + path)).toEqual([
    `${origin}/.well-known/oauth-authorization-server/realms/one`,
    `${issuer}/.well-known/openid-configuration`,
    `${issuer}/certs`,
  ]);
});

test.each(['RS256', 'ES256', 'PS256'] as const)('a token under %s with a good status is accepted', async (alg) => {
  const token = await sign(placed(4), {}, alg);
  expect(await verifier.verify(token)).toMatchObject({
    ok: true,
    value: { claims: { sub: 'f:1:ada', client_id: 'shop' }, scope: ['orders:read', 'email'], stale: false },
  });
});

test('TSL §8.3: a revoked one is refused, and its neighbours are not', async () => {
  const answers = await Promise.all([4, 5, 6, 64].map(async (idx) => verifier.verify(await sign(placed(idx)))));
  expect(answers.map((one) => (one.ok ? 'ok' : one.error))).toEqual([
    'ok',
    'token_revoked',
    'ok',
    'token_status_invalid',
  ]);
  expect(asked.filter((path) => path.endsWith('/status/7'))).toHaveLength(1);
});

test('RFC 8725 §3.11: tokenType says which typ is taken, and no other is', async () => {
  const strict = await addVerifier({ tokenType: 'at+jwt' });
  const [plain, access, id] = [await sign(), await sign({}, { typ: 'at+jwt' }), await sign({ nonce: 'n' })];
  const told = async (by: Verifier, token: string) => {
    const result = await by.verify(token);
    return result.ok ? 'ok' : result.error;
  };
  expect([await told(verifier, plain), await told(verifier, access)]).toEqual(['ok', 'token_type_wrong']);
  expect([await told(strict, plain), await told(strict, access)]).toEqual(['token_type_wrong', 'ok']);
  expect(await told(verifier, id)).toBe('token_claims_invalid');
  expect(await told(verifier, await sign({}, { typ: undefined }))).toBe('token_type_wrong');
});

test('a bad token makes nobody fetch a list, and a token does not choose whom the API calls', async () => {
  const bad = [
    await sign({ ...placed(4), aud: 'https://other.example' }),
    await sign({ ...placed(4), exp: nowSeconds() - 100 }),
    `${(await sign(placed(4))).slice(0, -4)}AAAA`,
  ];
  for (const token of bad) expect((await verifier.verify(token)).ok).toBe(false);
  const elsewhere = { status: { status_list: { idx: 4, uri: 'http://127.0.0.1:1/status/7' } } };
  expect(await verifier.verify(await sign(elsewhere))).toEqual({ ok: false, error: 'token_status_invalid' });
  expect(asked.some((path) => path.includes('/status/'))).toBe(false);
});

test('a token without a status is accepted, unless every token must have one', async () => {
  const demanding = await addVerifier({ requireStatus: true });
  const token = await sign();
  expect(await verifier.verify(token)).toMatchObject({ ok: true });
  expect(await demanding.verify(token)).toEqual({ ok: false, error: 'token_status_missing' });
});

test('jwksUri is for an issuer without any metadata', async () => {
  asked = [];
  const told = await addVerifier({ jwksUri: `${issuer}/certs` });
  expect(asked).toEqual([`/realms/one/certs`]);
  expect(await told.verify(await sign())).toMatchObject({ ok: true });
});
