import { LIMITS } from '@latchkey/protocol/limits';
import { createStubIssuer, STUB_AUDIENCE, STUB_ISSUER, type StubIssuer, settle } from '@latchkey/testkit/stub-issuer';
import { encryptToken } from '@latchkey/tokens/formats/encrypted-token';
import { type EncryptionKeyPair, generateEncryptionKeyPair } from '@latchkey/tokens/keys/encryption-key';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createVerifier, type Verifier, type VerifierOptions } from './index.ts';

const START = 1_795_000_000_000;
let stub: StubIssuer;
let verifier: Verifier;
let time: number;
let pair: EncryptionKeyPair;

beforeEach(async () => {
  stub = await createStubIssuer();
  pair = await generateEncryptionKeyPair('P-256');
  time = 0;
});
afterEach(() => verifier.close());

async function start(options: Partial<VerifierOptions> = {}): Promise<void> {
  verifier = createVerifier({
    issuer: STUB_ISSUER,
    audience: STUB_AUDIENCE,
    credentials: { id: 'res_1', secret: 'x' },
    fetch: stub.fetch,
    now: () => START + time,
    monotonic: () => time,
    decryptionKeys: [pair.privateJwk],
    ...options,
  });
  await settle();
  await stub.streams.at(-1)?.beat(START + time);
}
const signed = (change: object = {}) => stub.mint(START / 1000, change);
const encrypted = (change: object = {}, to = pair) => encryptToken(signed(change), to.publicJwk);
async function answer(token: string): Promise<string> {
  const result = verifier.verifyNow(token) ?? (await verifier.verify(token));
  return result.ok ? 'ok' : result.error;
}

test('an encrypted token is decrypted once, and from then on decided as fast as any', async () => {
  await start();
  const token = await encrypted({ jti: 'tok_x', roles: ['clerk'] });
  expect(verifier.verifyNow(token)).toBeUndefined();
  expect(await answer(token)).toBe('ok');
  const again = verifier.verifyNow(token);
  expect(again).toMatchObject({ ok: true, value: { roles: ['clerk'], claims: { jti: 'tok_x' }, credential: 'jwt' } });
  expect([verifier.status().cachedTokens, stub.asks('/introspect')]).toEqual([1, 0]);
});

test('JWT-27: both layers are verified, and what is inside is refused for what it is', async () => {
  await start();
  expect(await answer(await encrypted({ aud: 'https://other.example' }))).toBe('token_audience_wrong');
  expect(await answer(await encrypted({ exp: START / 1000 - 31 }))).toBe('token_expired');
  expect(await answer(await encrypted({ cnf: { jkt: 'x' } }))).toBe('token_sender_unproved');
  expect(await answer(await encryptToken(JSON.stringify({ sub: 'acc_1' }), pair.publicJwk))).toBe('token_malformed');
  expect(await answer(await encryptToken(await encrypted(), pair.publicJwk))).toBe('token_malformed');
  const other = await generateEncryptionKeyPair('P-256');
  expect(await answer(await encrypted({}, other))).toBe('token_decryption_failed');
  expect(verifier.status().cachedTokens).toBe(0);
});

test('REV-07: what is revoked by the feed is refused at once, the encrypted token like the signed one', async () => {
  await start();
  const token = await encrypted({ jti: 'tok_gone' });
  expect(await answer(token)).toBe('ok');
  await stub.streams.at(-1)?.emit({ kind: 'token', id: 'tok_gone' });
  expect(verifier.verifyNow(token)).toEqual({ ok: false, error: 'token_revoked' });
  expect(await answer(await encrypted({ jti: 'tok_gone' }))).toBe('token_revoked');
});

test('while the feed is stale the server is asked about the text that the client holds', async () => {
  await start();
  const token = await encrypted();
  expect(await answer(token)).toBe('ok');
  time = 60_000;
  expect(await answer(token)).toBe('ok');
  expect(stub.questions.map(({ token: asked }) => asked)).toEqual([token]);
});

test('KEY-06: a key that the key set lacks is looked for, also for what is inside', async () => {
  await start();
  const { generateSigningKey } = await import('@latchkey/tokens/keys/generate');
  const next = await generateSigningKey('ES256');
  stub.publish(stub.key.jwk, next.jwk);
  time = 31_000;
  await stub.streams.at(-1)?.beat(START + time);
  const inside = stub.mint(START / 1000, {}, next);
  expect(await answer(await encryptToken(inside, pair.publicJwk))).toBe('ok');
});

describe('keys', () => {
  test('several are held while one takes the place of another: neither is refused', async () => {
    const next = await generateEncryptionKeyPair('X25519');
    await start({ decryptionKeys: [pair.privateJwk, next.privateJwk] });
    expect([await answer(await encrypted()), await answer(await encrypted({}, next))]).toEqual(['ok', 'ok']);
  });

  test('without keys no encrypted token is taken; with keys signed ones are, unless encryption is required', async () => {
    await start({ decryptionKeys: [] });
    expect([await answer(await encrypted()), await answer(signed())]).toEqual(['token_malformed', 'ok']);
    verifier.close();
    await start();
    expect([await answer(await encrypted()), await answer(signed())]).toEqual(['ok', 'ok']);
    verifier.close();
    await start({ requireEncryption: true });
    const token = signed();
    expect(verifier.verifyNow(token)).toEqual({ ok: false, error: 'token_unencrypted' });
    expect([await answer(await encrypted()), await answer(token)]).toEqual(['ok', 'token_unencrypted']);
  });

  test('JWT-11, JWE-07: a key that is for nothing here is thrown at start', async () => {
    await start();
    const { kid: _, ...nameless } = pair.privateJwk;
    const { alg: __, ...vague } = pair.privateJwk;
    const wrong = 'decryptionKeys must be private keys as JWK, with kid and alg: see latchkey resource encryption-key';
    const cases: readonly (readonly [object, string])[] = [
      [{ decryptionKeys: [pair.publicJwk] }, wrong],
      [{ decryptionKeys: [nameless] }, wrong],
      [{ decryptionKeys: [vague] }, wrong],
      [{ decryptionKeys: [{ ...pair.privateJwk, use: 'sig' }] }, wrong],
      [{ decryptionKeys: [JSON.stringify(pair.privateJwk)] }, wrong],
      [{ decryptionKeys: [undefined] }, wrong],
      [{ decryptionKeys: pair.privateJwk }, 'decryptionKeys must be a list of private keys as JWK'],
      [{ decryptionKeys: [pair.privateJwk, pair.privateJwk] }, 'two decryptionKeys have the same kid'],
      [{ decryptionKeys: many(LIMITS.keySetKeysMax + 1) }, `decryptionKeys must be ${LIMITS.keySetKeysMax} at most`],
      [{ decryptionKeys: [], requireEncryption: true }, 'requireEncryption needs decryptionKeys'],
      [{ requireEncryption: 'yes' }, 'requireEncryption must be true or false'],
    ];
    for (const [change, message] of cases)
      await expect(start(change as Partial<VerifierOptions>)).rejects.toThrow(`createVerifier: ${message}`);
    await start({ decryptionKeys: many(LIMITS.keySetKeysMax) });
  });
  const many = (count: number) => Array.from({ length: count }, (_, n) => ({ ...pair.privateJwk, kid: `k${n}` }));
});

test('JWE-06: one who sends what cannot be decrypted sees what one sees whose signature does not fit', async () => {
  await start();
  const told = async (token: string) => {
    const header = (name: string) => (name === 'authorization' ? `Bearer ${token}` : undefined);
    const refused = await verifier.authenticate({ header, method: 'GET' } as Parameters<Verifier['authenticate']>[0]);
    return JSON.stringify(refused)
      .replaceAll(/v[a-z0-9]+-\w+/g, 'id')
      .replaceAll(/"error":"token_\w+"/g, '');
  };
  const good = await encrypted();
  const broken = good.slice(0, -4) + (good.endsWith('AAAA') ? 'BBBB' : 'AAAA');
  const forged = `${signed().slice(0, -4)}AAAA`;
  expect(await told(broken)).toBe(await told(forged));
  expect(await told('x')).toBe(await told(forged));
});
