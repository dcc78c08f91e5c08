import { generateKeyPairSync } from 'node:crypto';
import { expect, test } from 'vitest';
import {
  ENCRYPTION_CURVES,
  generateEncryptionKeyPair,
  importDecryptionKey,
  importEncryptionKey,
} from './encryption-key.ts';
import { generateSigningKey } from './generate.ts';
import { thumbprint } from './thumbprint.ts';

/** A public key of so many bits. Nobody looks at whether its modulus has two prime factors. */
function rsa(bits: number, e = 'AQAB') {
  const modulus = Buffer.alloc(Math.ceil(bits / 8), 0xff);
  modulus[0] = 0xff >> (modulus.length * 8 - bits);
  return { kty: 'RSA', n: modulus.toString('base64url'), e };
}
const ec = (namedCurve: string) => generateKeyPairSync('ec', { namedCurve }).publicKey.export({ format: 'jwk' });

test.each(ENCRYPTION_CURVES)(
  'JWE-07: a pair of %s: the public half is for encryption, under its thumbprint',
  async (curve) => {
    const { publicJwk, privateJwk } = await generateEncryptionKeyPair(curve);
    expect(publicJwk).toMatchObject({ use: 'enc', kid: thumbprint(publicJwk) });
    expect(publicJwk.alg).toBe(curve === 'RSA' ? 'RSA-OAEP-256' : 'ECDH-ES+A256KW');
    expect(Object.keys(publicJwk)).not.toContain('d');
    expect(importEncryptionKey(publicJwk)).toEqual(publicJwk);
    expect(importDecryptionKey(privateJwk)).toMatchObject({ kid: publicJwk.kid, alg: publicJwk.alg });
    expect(importEncryptionKey(privateJwk)).toBeUndefined();
  },
);

test('a kid never begins with a hyphen, so that a command line takes it as an argument', async () => {
  const pairs = await Promise.all(Array.from({ length: 600 }, () => generateEncryptionKeyPair('X25519')));
  expect(pairs.filter(({ publicJwk }) => publicJwk.kid.startsWith('-'))).toEqual([]);
});

test('a key says by its kind what it is for; a kid that it has is kept', () => {
  const plain = ec('P-256');
  expect(importEncryptionKey(plain)).toEqual({ ...plain, alg: 'ECDH-ES+A256KW', use: 'enc', kid: thumbprint(plain) });
  expect(importEncryptionKey({ ...plain, kid: '2026-11', key_ops: [], ext: true })).toEqual({
    ...plain,
    alg: 'ECDH-ES+A256KW',
    use: 'enc',
    kid: '2026-11',
  });
});

test.each([2047, 2048, 4096, 4097])('JWT-11 RFC 7518 §4.3: an RSA key of %d bits', (bits) => {
  const key = importEncryptionKey(rsa(bits));
  expect(key?.alg).toBe(bits < 2048 || bits > 4096 ? undefined : 'RSA-OAEP-256');
});

test('JWE-02, JWE-07: a key of another kind, for another use, too weak or with private parts is none', async () => {
  const signing = (await generateSigningKey('ES256')).jwk;
  const plain = ec('P-256');
  const { privateJwk } = await generateEncryptionKeyPair('P-256');
  const bad = [
    signing,
    { ...plain, use: 'sig' },
    { ...plain, key_ops: ['deriveKey', 'verify'] },
    { ...plain, key_ops: ['sign'] },
    { ...plain, key_ops: 'deriveKey' },
    { ...plain, alg: 'RSA-OAEP-256' },
    { ...plain, alg: 'ECDH-ES' },
    { ...plain, alg: 'PBES2-HS256+A128KW' },
    { ...plain, x: plain.y },
    { ...plain, d: privateJwk.d },
    { ...plain, priv: 'AA' },
    { ...plain, kid: '' },
    { ...plain, kid: '-x' },
    { ...plain, kid: 'a b' },
    { ...plain, kid: 7 },
    { ...plain, kid: 'x'.repeat(129) },
    ec('P-384'),
    rsa(2048, 'Aw'),
    rsa(2048, 'AQ'),
    generateKeyPairSync('ed25519').publicKey.export({ format: 'jwk' }),
    generateKeyPairSync('x448').publicKey.export({ format: 'jwk' }),
    { kty: 'oct', k: 'AA', kid: 'oct' },
    { kty: 'OKP', crv: 'X25519', x: Buffer.alloc(32).toString('base64url') },
    [plain],
    JSON.stringify(plain),
    null,
    undefined,
  ];
  expect(bad.map((one) => importEncryptionKey(one))).toEqual(bad.map(() => undefined));
  expect(importEncryptionKey({ ...plain, kid: 'x'.repeat(128) })?.kid).toHaveLength(128);
});

test('JWT-11: a private key must say its kid and its algorithm, and be private', async () => {
  const { publicJwk, privateJwk } = await generateEncryptionKeyPair('P-256');
  const { kid: _, ...nameless } = privateJwk;
  const { alg: __, ...vague } = privateJwk;
  const bad = [publicJwk, nameless, vague, { ...privateJwk, use: 'sig' }, { ...privateJwk, alg: 'RSA-OAEP-256' }, 'x'];
  expect(bad.map((one) => importDecryptionKey(one))).toEqual(bad.map(() => undefined));
  const signing = generateKeyPairSync('ec', { namedCurve: 'P-384' }).privateKey.export({ format: 'jwk' });
  expect(importDecryptionKey({ ...signing, kid: 'x', alg: 'ECDH-ES+A256KW' })).toBeUndefined();
});

test('a key whose reading throws what is no error is a fault, not a key of no use', () => {
  const thrown = 'not an error' as unknown as Error;
  const hostile = {
    ...ec('P-256'),
    get x(): string {
      throw thrown;
    },
  };
  expect(() => importEncryptionKey(hostile)).toThrow('not an error');
});
