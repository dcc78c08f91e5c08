import { constants, createPrivateKey, generateKeyPairSync, sign } from 'node:crypto';
import { SIGNING_ALGORITHMS } from '@latchkey/protocol/jwk';
import { LIMITS } from '@latchkey/protocol/limits';
import { CompactSign, compactVerify, importJWK } from 'jose';
import { describe, expect, test } from 'vitest';
import { concatenatedOfDer, derOfConcatenated } from './ecdsa-der.ts';
import { generateSigningKey } from './generate.ts';
import { importNodeKeySet, importSigner, importVerificationKey } from './node-crypto.ts';
import { thumbprint } from './thumbprint.ts';

test('VEC-03 RFC 7638: the thumbprint of an EC key', () => {
  const jwk = {
    kty: 'EC',
    crv: 'P-256',
    x: 'l8tFrhx-34tV3hRICRDY9zCkDlpBhF42UQUfWVAWBFs',
    y: '9VE4jf_Ok_o64zbTTlcuNJajHmt6v9TDVrU0CdvGRDA',
    kid: 'x',
  };
  expect(thumbprint(jwk)).toBe('0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I');
});

test('VEC-04 RFC 8037 A.3: the thumbprint of an Ed25519 key', () => {
  expect(thumbprint({ kty: 'OKP', crv: 'Ed25519', x: '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo' })).toBe(
    'kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k',
  );
  expect(() => thumbprint({ kty: 'oct' })).toThrow(TypeError);
});

test('KEY-03, KEY-04: a published key has a kid, alg and use, and no private part', async () => {
  for (const alg of SIGNING_ALGORITHMS) {
    const { jwk } = await generateSigningKey(alg);
    expect(Object.keys(jwk).filter((name) => ['d', 'p', 'q', 'dp', 'dq', 'qi', 'k'].includes(name))).toEqual([]);
    expect(jwk).toMatchObject({ kid: thumbprint(jwk), alg, use: 'sig' });
  }
});

test('a kid never begins with a hyphen, so that a command line takes it as an argument', async () => {
  const keys = await Promise.all(Array.from({ length: 600 }, () => generateSigningKey('Ed25519')));
  expect(keys.filter(({ jwk }) => jwk.kid.startsWith('-'))).toEqual([]);
});

test('JWT-08, JWT-11 RFC 7517 §4: keys for another use, of another kind or too weak are left out of the set', async () => {
  const { jwk } = await generateSigningKey('ES256');
  const weak = generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey.export({ format: 'jwk' });
  const p384 = generateKeyPairSync('ec', { namedCurve: 'P-384' }).publicKey.export({ format: 'jwk' });
  const ed448 = generateKeyPairSync('ed448').publicKey.export({ format: 'jwk' });
  const bad = [
    { ...jwk, kid: 'enc', use: 'enc' },
    { ...jwk, kid: 'ops', key_ops: ['sign'] },
    { ...jwk, kid: 'none', alg: undefined },
    { ...jwk, kid: '' },
    { ...jwk, kid: 7 },
    { ...jwk, kid: 'private', d: 'AA' },
    { ...jwk, kid: 'wrong', alg: 'RS256' },
    { ...jwk, kid: 'strange', alg: 'PS384' },
    { ...jwk, kid: 'off-curve', x: jwk.y },
    { ...weak, kid: 'weak', alg: 'RS256', use: 'sig' },
    { ...p384, kid: 'p384', alg: 'ES256', use: 'sig' },
    { ...ed448, kid: 'ed448', alg: 'EdDSA', use: 'sig' },
    { kty: 'oct', kid: 'oct', alg: 'HS256', k: 'AA' },
    null,
    'x',
  ];
  expect(importNodeKeySet({ keys: [...bad, jwk] })?.kids).toEqual([jwk.kid]);
  expect(importNodeKeySet({ keys: [jwk, jwk] })?.kids).toEqual([]);
});

test('NUM-10: a key set is an object with at most 100 keys', () => {
  expect(importNodeKeySet({ keys: Array.from({ length: 100 }, () => ({})) })).toBeDefined();
  for (const json of [{ keys: Array.from({ length: 101 }, () => ({})) }, {}, null, [], 'x', { keys: 'x' }])
    expect(importNodeKeySet(json)).toBeUndefined();
});

test('JWT-10 RFC 9864: EdDSA is a key’s own algorithm, never another name for Ed25519', async () => {
  const { jwk, pkcs8 } = await generateSigningKey('Ed25519');
  const set = importNodeKeySet({ keys: [{ ...jwk, kid: 'old', alg: 'EdDSA' }, jwk] });
  expect(set?.find({ alg: 'EdDSA', kid: 'old', typ: undefined }).ok).toBe(true);
  expect(set?.find({ alg: 'EdDSA', kid: jwk.kid, typ: undefined })).toEqual({
    ok: false,
    error: 'token_algorithm_refused',
  });
  expect(() => importSigner('ES256', 'x', pkcs8)).toThrow(TypeError);
});

test('JWT-09: signatures keep their value between both forms, short numbers too', () => {
  for (let zeros = 0; zeros < 31; zeros++)
    for (const top of [0x01, 0x7f, 0x80, 0xfe]) {
      const number = new Uint8Array(32).fill(0x11);
      number.fill(0, 0, zeros);
      number[zeros] = top;
      const signature = new Uint8Array([...number, ...number.toReversed().with(0, 0x22)]);
      const der = derOfConcatenated(signature);
      expect(der && concatenatedOfDer(der)).toEqual(signature);
    }
});

test('a key whose reading throws what is no error is a fault, not a key that is left out', async () => {
  const { jwk } = await generateSigningKey('ES256');
  const thrown = 'not an error' as unknown as Error;
  const hostile = {
    ...jwk,
    get x(): string {
      throw thrown;
    },
  };
  expect(() => importVerificationKey(hostile)).toThrow('not an error');
});

test.each([LIMITS.tokenMax - 1, LIMITS.tokenMax, LIMITS.tokenMax + 1])(
  'a signature over %d characters is made and verified, and over one more it is none',
  async (length) => {
    const { jwk, pkcs8 } = await generateSigningKey('ES256');
    const signer = importSigner('ES256', jwk.kid, pkcs8);
    const key = importVerificationKey(jwk);
    const input = 'x'.repeat(length);
    const signature = signer.sign(input);
    expect([key?.verifies(input, signature), key?.verifies(`${input}x`, signature)]).toEqual([true, false]);
  },
);

describe('PS256', () => {
  const INPUT = 'eyJhbGciOiJQUzI1NiJ9.e30';

  test('RFC 7518 §3.5: another library takes our signatures, and we take its', async () => {
    const { jwk, pkcs8 } = await generateSigningKey('PS256');
    const ours = await compactVerify(
      `${INPUT}.${Buffer.from(importSigner('PS256', jwk.kid, pkcs8).sign(INPUT)).toString('base64url')}`,
      await importJWK({ ...jwk }, 'PS256'),
    );
    expect(ours.protectedHeader).toEqual({ alg: 'PS256' });

    const privateKey = createPrivateKey({ key: Buffer.from(pkcs8), format: 'der', type: 'pkcs8' });
    const theirs = await new CompactSign(Buffer.from('{}')).setProtectedHeader({ alg: 'PS256' }).sign(privateKey);
    const [header, payload, signature = ''] = theirs.split('.');
    const key = importVerificationKey(jwk);
    expect(key?.verifies(`${header}.${payload}`, Buffer.from(signature, 'base64url'))).toBe(true);
  });

  test('JWT-08 RFC 7518 §3.5: a key of PS256 verifies no signature of RS256, nor one of RS256 a signature of PS256', async () => {
    const { jwk, pkcs8 } = await generateSigningKey('PS256');
    const under = (alg: 'PS256' | 'RS256') => importVerificationKey({ ...jwk, alg });
    const signatures = (['PS256', 'RS256'] as const).map((alg) => importSigner(alg, jwk.kid, pkcs8).sign(INPUT));
    expect(signatures.map((signature) => under('PS256')?.verifies(INPUT, signature))).toEqual([true, false]);
    expect(signatures.map((signature) => under('RS256')?.verifies(INPUT, signature))).toEqual([false, true]);
    const set = importNodeKeySet({ keys: [jwk] });
    expect(set?.find({ alg: 'RS256', kid: jwk.kid, typ: undefined })).toEqual({
      ok: false,
      error: 'token_algorithm_refused',
    });
  });

  test.each([31, 32, 33, 0])('RFC 7518 §3.5: with a salt of %d bytes', async (saltLength) => {
    const { jwk, pkcs8 } = await generateSigningKey('PS256');
    const key = createPrivateKey({ key: Buffer.from(pkcs8), format: 'der', type: 'pkcs8' });
    const padding = constants.RSA_PKCS1_PSS_PADDING;
    const signature = sign('sha256', Buffer.from(INPUT), { key, padding, saltLength });
    expect(importVerificationKey(jwk)?.verifies(INPUT, signature)).toBe(saltLength === 32);
  });
});
