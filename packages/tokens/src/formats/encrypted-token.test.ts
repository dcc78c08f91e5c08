import { createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import type { AccessTokenClaims } from '@latchkey/protocol/claims';
import type { EpochSeconds } from '@latchkey/protocol/types';
import { CompactEncrypt, type CompactJWEHeaderParameters, compactDecrypt, importJWK } from 'jose';
import { beforeAll, describe, expect, test } from 'vitest';
import {
  type DecryptionKey,
  ENCRYPTION_CURVES,
  type EncryptionCurve,
  type EncryptionKeyPair,
  generateEncryptionKeyPair,
  importDecryptionKey,
} from '../keys/encryption-key.ts';
import { generateSigningKey } from '../keys/generate.ts';
import type { KeySet } from '../keys/key-set.ts';
import { importNodeKeySet, importSigner } from '../keys/node-crypto.ts';
import type { Signer } from '../keys/signer.ts';
import { createAccessTokenDecoder, encodeAccessToken } from './access-token-jwt.ts';
import { signCompact } from './compact.ts';
import {
  createTokenDecrypter,
  encryptedTokenHandle,
  encryptedTokenKeyId,
  encryptToken,
  isEncryptedToken,
} from './encrypted-token.ts';

const NOW = 1_795_000_000 as EpochSeconds;
const expected = {
  issuer: 'https://as.example',
  audience: 'https://api.example',
  leewaySeconds: 30,
  typ: 'at+jwt',
} as const;
const claims: AccessTokenClaims = {
  iss: expected.issuer,
  sub: 'acc_1',
  aud: expected.audience,
  client_id: 'cli_1',
  jti: 'tok_1',
  iat: NOW,
  exp: (NOW + 300) as EpochSeconds,
};

const open = (json: unknown): DecryptionKey => {
  const key = importDecryptionKey(json);
  if (key === undefined) throw new Error('no key');
  return key;
};

let pairs: Record<EncryptionCurve, EncryptionKeyPair>;
let keys: readonly DecryptionKey[];
let signer: Signer;
let keySet: KeySet;
let signed: string;
beforeAll(async () => {
  const [p256, x25519, rsa] = await Promise.all([
    generateEncryptionKeyPair('P-256'),
    generateEncryptionKeyPair('X25519'),
    generateEncryptionKeyPair('RSA'),
  ]);
  pairs = { 'P-256': p256, X25519: x25519, RSA: rsa };
  keys = ENCRYPTION_CURVES.map((curve) => open(pairs[curve].privateJwk));
  const { jwk, pkcs8 } = await generateSigningKey('ES256');
  signer = importSigner('ES256', jwk.kid, pkcs8);
  const set = importNodeKeySet({ keys: [jwk] });
  if (set === undefined) throw new Error('no key set');
  keySet = set;
  signed = encodeAccessToken(claims, signer);
});

const decode = createAccessTokenDecoder();
/** What comes of a token, through both layers, with all keys. */
async function answer(token: string, held = keys): Promise<string> {
  const opened = await createTokenDecrypter(held)(token);
  if (!opened.ok) return opened.error;
  const decoded = decode(opened.value, keySet, expected, NOW);
  return decoded.ok ? 'ok' : decoded.error;
}

const publicKey = (curve: EncryptionCurve): KeyObject =>
  createPublicKey({ key: { ...pairs[curve].publicJwk }, format: 'jwk' });
/** A token that somebody else has made, with whatever header; who knows the public key can do that. */
function forge(change: object = {}, content: string = signed, curve: EncryptionCurve = 'P-256', to = publicKey(curve)) {
  const { kid, alg } = pairs[curve].publicJwk;
  const header = { alg, enc: 'A256GCM', cty: 'JWT', kid, ...change } as CompactJWEHeaderParameters;
  return new CompactEncrypt(Buffer.from(content)).setProtectedHeader(header).encrypt(to);
}
/** A token whose header was written anew. Whatever that does to its content, it must not be looked at. */
async function rewritten(change: object, curve: EncryptionCurve = 'P-256'): Promise<string> {
  const parts = (await forge({}, signed, curve)).split('.');
  const header: object = JSON.parse(Buffer.from(parts[0] ?? '', 'base64url').toString());
  return parts.with(0, Buffer.from(JSON.stringify({ ...header, ...change })).toString('base64url')).join('.');
}

test.each(ENCRYPTION_CURVES)(
  'JWE-05, RSV-08: what is encrypted to a key of %s is decrypted, and another library reads it',
  async (curve) => {
    const token = await encryptToken(signed, pairs[curve].publicJwk);
    expect(await answer(token)).toBe('ok');
    expect(isEncryptedToken(token)).toBe(true);
    const key = await importJWK({ ...pairs[curve].privateJwk });
    const { plaintext, protectedHeader } = await compactDecrypt(token, key);
    const { kid, alg } = pairs[curve].publicJwk;
    expect(protectedHeader).toMatchObject({ alg, enc: 'A256GCM', cty: 'JWT', kid });
    expect(Buffer.from(plaintext).toString()).toBe(signed);
    expect(await answer(await forge({}, signed, curve))).toBe('ok');
  },
);

test('JWE-08: two tokens with one content share no key, no initialisation vector and no text', async () => {
  const [one, other] = await Promise.all([1, 2].map(() => encryptToken(signed, pairs.RSA.publicJwk)));
  const parts = (token = '') => token.split('.').slice(1);
  expect(parts(one).filter((part) => parts(other).includes(part))).toEqual([]);
});

test('JWT-27, JWE-05 RFC 7519 §5.2: the signature inside is what counts, under a type of its own', async () => {
  const { kid } = signer;
  const none = `${Buffer.from('{"alg":"none","typ":"at+jwt"}').toString('base64url')}.${signed.split('.')[1]}.`;
  const inside = {
    'plain claims': [JSON.stringify(claims), 'token_malformed'],
    'alg none': [none, 'token_key_unknown'],
    'alg none with a kid': [
      none.replace(/^[^.]+/, Buffer.from(JSON.stringify({ alg: 'none', typ: 'at+jwt', kid })).toString('base64url')),
      'token_algorithm_refused',
    ],
    'no typ': [signCompact('', claims, signer), 'token_type_wrong'],
    'an ID token': [signCompact('JWT', claims, signer), 'token_type_wrong'],
    'another encrypted token': [await forge(), 'token_malformed'],
    'bytes that are no text': ['\u0080\u0000é', 'token_malformed'],
    nothing: ['', 'token_malformed'],
  } as const;
  for (const [name, [content, error]] of Object.entries(inside))
    expect([name, await answer(await forge({}, content))]).toEqual([name, error]);
});

test('the row of a token is found by its whole text; what is no such token has none', async () => {
  const [one, other] = await Promise.all([forge(), forge()]);
  expect(encryptedTokenHandle(one)).toMatch(/^[A-Za-z0-9_-]{43}$/);
  expect(encryptedTokenHandle(one)).not.toBe(encryptedTokenHandle(other));
  expect([`${one}=`, '....', signed, await rewritten({ zip: 'DEF' })].map(encryptedTokenHandle)).toEqual(
    Array.from({ length: 4 }, () => undefined),
  );
});

test('a token tells to which key it says that it is encrypted; what is no such token tells nothing', async () => {
  const kid = JSON.parse(Buffer.from((await forge()).split('.')[0] ?? '', 'base64url').toString()).kid;
  expect([await forge(), '....', signed].map(encryptedTokenKeyId)).toEqual([kid, undefined, undefined]);
});

describe('form', () => {
  test('only five parts of canonical base64url, and a header that is strict JSON', async () => {
    const good = await forge();
    const parts = good.split('.');
    const withHeader = (json: string | Uint8Array) =>
      parts.with(0, Buffer.from(json as string).toString('base64url')).join('.');
    const bad = [
      '',
      '....',
      '.'.repeat(16_384),
      signed,
      `${good}.`,
      parts.slice(0, 4).join('.'),
      `${good}=`,
      ` ${good}`,
      ...[0, 1, 2, 3, 4].map((index) => parts.with(index, `${parts[index]}!`).join('.')),
      parts.with(1, '').join('.'),
      parts.with(1, Buffer.alloc(39).toString('base64url')).join('.'),
      parts.with(1, Buffer.alloc(41).toString('base64url')).join('.'),
      parts.with(2, Buffer.alloc(11).toString('base64url')).join('.'),
      parts.with(2, Buffer.alloc(16).toString('base64url')).join('.'),
      parts.with(4, Buffer.alloc(12).toString('base64url')).join('.'),
      parts.with(4, '').join('.'),
      withHeader('{"alg":"ECDH-ES+A256KW","alg":"RSA-OAEP-256","enc":"A256GCM","cty":"JWT"}'),
      withHeader('[]'),
      withHeader('x'),
      withHeader(new Uint8Array([0xff])),
      await rewritten({ kid: 7 }),
      await rewritten({ kid: 'x'.repeat(129) }),
    ];
    const seen = await Promise.all(bad.map((token) => answer(token)));
    expect(seen).toEqual(bad.map(() => 'token_malformed'));
    expect(await answer('A'.repeat(16_385))).toBe('token_too_large');
    expect([signed, '', good.slice(good.indexOf('.') + 1), `${good}.`].map(isEncryptedToken)).toEqual([
      false,
      false,
      false,
      false,
    ]);
  });

  test('JWT-12, JWT-13: no extension is understood', async () => {
    for (const change of [{ crit: ['exp'] }, { crit: [] }, { b64: false }])
      expect(await answer(await rewritten(change))).toBe('token_critical_header');
  });

  test('RFC 7519 §5.2: the header must say that there is a token inside', async () => {
    for (const cty of [undefined, 'json', 'at+jwt', 7])
      expect(await answer(await rewritten({ cty }))).toBe('token_type_wrong');
    for (const cty of ['jwt', 'application/jwt']) expect(await answer(await forge({ cty }))).toBe('ok');
  });
});

describe('algorithms', () => {
  test('JWE-01 RFC 8725 §3.2: only algorithms of the lists, each with the key that is for it', async () => {
    const refused = ['RSA1_5', 'RSA-OAEP', 'dir', 'A256KW', 'ECDH-ES', 'ECDH-ES+A128KW', 'none', 'A256GCMKW', '', 7];
    for (const alg of refused)
      expect([alg, await answer(await rewritten({ alg }))]).toEqual([alg, 'token_algorithm_refused']);
    for (const enc of ['A128GCM', 'A256CBC-HS512', 'A128CBC-HS256', 'a256gcm', undefined])
      expect([enc, await answer(await rewritten({ enc }))]).toEqual([enc, 'token_algorithm_refused']);
    expect(await answer(await rewritten({ alg: 'RSA-OAEP-256' }))).toBe('token_algorithm_refused');
    expect(await answer(await rewritten({ alg: 'ECDH-ES+A256KW' }, 'RSA'))).toBe('token_algorithm_refused');
  });

  test.each([1_000, 1_200_001, 2 ** 31])('JWE-04: a password with %d iterations is refused at once', async (p2c) => {
    const began = performance.now();
    const p2s = Buffer.alloc(16, 7).toString('base64url');
    for (const alg of ['PBES2-HS256+A128KW', 'PBES2-HS512+A256KW'])
      expect(await answer(await rewritten({ alg, p2s, p2c }))).toBe('token_algorithm_refused');
    expect(performance.now() - began).toBeLessThan(1_000);
  });

  test('JWE-03: compressed content is refused before it is decrypted', async () => {
    for (const zip of ['DEF', 'none', ''])
      expect(await answer(await rewritten({ zip }))).toBe('token_algorithm_refused');
    const bomb = await forge({ zip: 'DEF' }, ' '.repeat(1_000_000));
    expect(bomb.length).toBeLessThan(16_384);
    expect(await answer(bomb)).toBe('token_algorithm_refused');
  });

  test('JWT-14, JWT-15: a kid is looked up and nothing else; key material in the header is not looked at', async () => {
    for (const kid of ['nobody', '../../etc/passwd', '__proto__', ''])
      expect(await answer(await forge({ kid }))).toBe('token_decryption_failed');
    const jwk = { ...pairs['P-256'].privateJwk };
    expect(await answer(await rewritten({ kid: 'nobody', jwk, jku: 'https://evil.example' }))).toBe(
      'token_decryption_failed',
    );
  });

  test('JWT-16: without a kid the key must be beyond doubt', async () => {
    const [p256, x25519, rsa] = keys;
    const token = await forge({ kid: undefined }, signed, 'RSA');
    expect(await answer(token)).toBe('ok');
    expect(await answer(await forge({ kid: undefined }), p256 && rsa ? [p256, rsa] : [])).toBe('ok');
    expect(await answer(await forge({ kid: undefined }), p256 && x25519 ? [p256, x25519] : [])).toBe(
      'token_decryption_failed',
    );
  });
});

describe('the key agreement', () => {
  test('JWE-02 RFC 7518 §4.6.1.1: the sender’s half is public, and on our curve', async () => {
    const { x, y, crv, kty } = generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey.export({ format: 'jwk' });
    const wide = generateKeyPairSync('ec', { namedCurve: 'P-384' }).publicKey.export({ format: 'jwk' });
    const okp = generateKeyPairSync('x25519').publicKey.export({ format: 'jwk' });
    const malformed = [
      undefined,
      null,
      'x',
      {},
      wide,
      okp,
      { kty, crv, x },
      { kty, crv, y },
      { kty, crv, x: 7, y },
      { kty, crv, x: `${x}=`, y },
      { kty, crv, x: 'AA', y },
      { kty: 'OKP', crv, x, y },
      { kty, crv, x, y, d: x },
      { ...wide, crv: 'P-256' },
    ];
    for (const epk of malformed)
      expect([epk, await answer(await rewritten({ epk }))]).toEqual([epk, 'token_malformed']);
    expect(await answer(await rewritten({ epk: { ...okp, y } }, 'X25519'))).toBe('token_malformed');
    expect(await answer(await rewritten({ epk: { kty, crv, x, y } }, 'RSA'))).toBe('token_malformed');
  });

  test('JWE-02: a point off the curve, and one that makes every agreement zero, fail like any other', async () => {
    const { x, crv, kty } = generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey.export({ format: 'jwk' });
    expect(await answer(await rewritten({ epk: { kty, crv, x, y: x } }))).toBe('token_decryption_failed');
    const zero = Buffer.alloc(32).toString('base64url');
    const one = Buffer.from(Uint8Array.of(1, ...new Uint8Array(31))).toString('base64url');
    for (const point of [zero, one])
      expect(await answer(await rewritten({ epk: { kty: 'OKP', crv: 'X25519', x: point } }, 'X25519'))).toBe(
        'token_decryption_failed',
      );
  });
});

describe('failure', () => {
  test.each(ENCRYPTION_CURVES)(
    'JWE-06 RFC 7516 §11.5: with %s, one changed bit anywhere is one and the same failure',
    async (curve) => {
      const parts = (await forge({}, signed, curve)).split('.');
      for (const index of [1, 2, 3, 4])
        for (const at of [0, -1]) {
          const bytes = Buffer.from(parts[index] ?? '', 'base64url');
          const place = at < 0 ? bytes.length - 1 : 0;
          bytes[place] = (bytes[place] ?? 0) ^ 1;
          const changed = parts.with(index, bytes.toString('base64url')).join('.');
          expect([index, at, await answer(changed)]).toEqual([index, at, 'token_decryption_failed']);
        }
      expect(await answer(await rewritten({ apu: 'AAAA' }, curve))).toBe('token_decryption_failed');
      expect(await answer(parts.with(3, '').join('.'))).toBe('token_decryption_failed');
      const { publicJwk } = await generateEncryptionKeyPair(curve);
      const other = createPublicKey({ key: { ...publicJwk }, format: 'jwk' });
      expect(await answer(await forge({}, signed, curve, other))).toBe('token_decryption_failed');
    },
  );

  test('what is no fault of the token is none of its failures', async () => {
    const [key] = keys;
    const thrown = 'broken' as unknown as Error;
    const broken = new Proxy({} as KeyObject, {
      get() {
        throw thrown;
      },
    });
    const withBroken = key === undefined ? [] : [{ ...key, key: broken }];
    await expect(createTokenDecrypter(withBroken)(await forge())).rejects.toBe('broken');
  });
});
