import { createHmac } from 'node:crypto';
import type { AccessTokenClaims } from '@latchkey/protocol/claims';
import type { EpochSeconds } from '@latchkey/protocol/types';
import { accessTokenClaims } from '@latchkey/testkit/arbitraries/access-token-claims';
import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { generateSigningKey } from '../keys/generate.ts';
import type { KeySet } from '../keys/key-set.ts';
import { importNodeKeySet, importSigner } from '../keys/node-crypto.ts';
import type { Signer } from '../keys/signer.ts';
import { createAccessTokenDecoder, decodeUnverified, type Expected, encodeAccessToken } from './access-token-jwt.ts';
import { encodeBase64url } from './base64url.ts';

const NOW = 1_795_000_000 as EpochSeconds;
const expected: Expected = {
  issuer: 'https://as.example',
  audience: 'https://api.example',
  leewaySeconds: 30,
  typ: 'at+jwt',
};
const claims: AccessTokenClaims = {
  iss: 'https://as.example',
  sub: 'acc_1',
  aud: 'https://api.example',
  client_id: 'cli_1',
  jti: 'tok_1',
  iat: NOW,
  exp: (NOW + 300) as EpochSeconds,
  pos: '1795000000:4',
  scope: 'a b',
};
const decode = createAccessTokenDecoder();
let signers: Record<'ES256' | 'RS256' | 'PS256' | 'Ed25519', Signer>;
let keys: KeySet;
let jwks: object[];

beforeAll(async () => {
  const made = await Promise.all((['ES256', 'RS256', 'PS256', 'Ed25519'] as const).map(generateSigningKey));
  jwks = made.map(({ jwk }) => jwk);
  const set = importNodeKeySet({ keys: jwks });
  if (set === undefined) throw new Error('no key set');
  keys = set;
  const [es256, rs256, ps256, ed25519] = made.map(({ jwk, pkcs8 }) => importSigner(jwk.alg, jwk.kid, pkcs8));
  if (!es256 || !rs256 || !ps256 || !ed25519) throw new Error('no signers');
  signers = { ES256: es256, RS256: rs256, PS256: ps256, Ed25519: ed25519 };
});

const text = (value: unknown) =>
  encodeBase64url(new TextEncoder().encode(typeof value === 'string' ? value : JSON.stringify(value)));
/** A token of any header and payload text, signed all the same. */
const forge = (header: object | string, payload: object | string, signer: Signer = signers.ES256) => {
  const input = `${text(header)}.${text(payload)}`;
  return `${input}.${encodeBase64url(signer.sign(input))}`;
};
const header = (more: object = {}) => ({ alg: 'ES256', kid: signers.ES256.kid, typ: 'at+jwt', ...more });
const answer = (token: string, want = expected, now = NOW) => {
  const decoded = decode(token, keys, want, now);
  return decoded.ok ? 'ok' : decoded.error;
};
const withClaims = (change: object) => answer(forge(header(), { ...claims, ...change }));

test('RSV-08 RFC 9068 §2: what is encoded is decoded, under each algorithm', () => {
  for (const signer of Object.values(signers))
    expect(decode(encodeAccessToken(claims, signer), keys, expected, NOW)).toEqual({ ok: true, value: claims });
});

test('RSV-08: whatever the claims, what is encoded is decoded to the letter, and by nobody else', () => {
  const other = { ...expected, audience: 'https://other.example' };
  fc.assert(
    fc.property(accessTokenClaims(expected.issuer, expected.audience, NOW), (any) => {
      const token = encodeAccessToken(any, signers.Ed25519);
      fc.pre(token.length <= 16_384);
      expect(decode(token, keys, expected, NOW)).toEqual({ ok: true, value: any });
      if (![any.aud].flat().includes(other.audience)) expect(answer(token, other)).toBe('token_audience_wrong');
    }),
  );
});

describe('form', () => {
  test('JWT-01 RFC 7515 §7.1: only three parts of base64url', () => {
    const good = encodeAccessToken(claims, signers.ES256);
    const bad = [
      '',
      '.',
      '..',
      '...',
      good.slice(0, good.lastIndexOf('.')),
      `${good}.`,
      `${good}.x`,
      `${good}=`,
      ` ${good}`,
      `${good}\n`,
    ];
    bad.push(JSON.stringify({ payload: 'x', signatures: [] }), good.replaceAll('.', ' '), '.'.repeat(16_000));
    expect(bad.map((token) => answer(token))).toEqual(bad.map(() => 'token_malformed'));
  });

  test('JWT-02 RFC 4648 §3.5: stray bits in any part are refused', () => {
    const parts = encodeAccessToken({ ...claims, sub: 'acc_12' }, signers.ES256).split('.');
    const stray = parts.map((part, index) => {
      if (part.length % 4 === 0) return undefined;
      const last = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
      const next = last.charAt(last.indexOf(part.slice(-1)) + 1);
      return parts.with(index, part.slice(0, -1) + next).join('.');
    });
    const tried = stray.filter((token) => token !== undefined);
    expect(tried.length).toBeGreaterThan(0);
    for (const token of tried) expect(answer(token)).not.toBe('ok');
    expect(answer(tried.at(-1) ?? '')).toBe('token_malformed');
  });

  test('JWT-03: one character more than 16384 is refused before it is decoded', () => {
    const sized = (length: number) => answer(`${'A'.repeat(length - 2)}..`);
    expect([sized(16_383), sized(16_384), sized(16_385)]).toEqual([
      'token_malformed',
      'token_malformed',
      'token_too_large',
    ]);
  });

  test('JWT-04 RFC 7519 §7.2: header and claims are UTF-8 JSON objects', () => {
    for (const payload of ['[]', '1', 'null', '"a"', '', '{', '\ufeff{}'])
      expect(answer(forge(header(), payload))).toBe('token_malformed');
    for (const head of ['[]', '1', 'null', '', '{', '\ufeff{}'])
      expect(answer(forge(head, claims))).toBe('token_malformed');
    const bytes = encodeBase64url(Uint8Array.of(0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d));
    const input = `${text(header())}.${bytes}`;
    expect(answer(`${input}.${encodeBase64url(signers.ES256.sign(input))}`)).toBe('token_malformed');
  });

  test('JWT-05 RFC 7515 §4: a member name that occurs twice is refused, however it is spelled', () => {
    const body = JSON.stringify(claims).slice(1);
    for (const twice of [`{"sub":"admin",${body}`, `{"s\\u0075b":"admin",${body}`, `{"x":{"a":1,"a":2},${body}`])
      expect(answer(forge(header(), twice))).toBe('token_malformed');
    expect(answer(forge(`{"alg":"none",${JSON.stringify(header()).slice(1)}`, claims))).toBe('token_malformed');
    expect(answer(forge(header(), `{"x":{"a":1},"y":[{"a":1},{"a":1}],"z":"\\"a\\",{",${body}`))).toBe('ok');
  });

  test('NUM-10: one level more than 16 is refused', () => {
    const nested = (depth: number) =>
      `{"x":${'['.repeat(depth - 1)}${']'.repeat(depth - 1)},${JSON.stringify(claims).slice(1)}`;
    expect([15, 16, 17].map((depth) => answer(forge(header(), nested(depth))))).toEqual([
      'ok',
      'ok',
      'token_malformed',
    ]);
  });

  test('JWT-06: names that could reach a prototype are members like others', () => {
    const token = forge(header(), `{"__proto__":{"admin":true},"constructor":1,${JSON.stringify(claims).slice(1)}`);
    const decoded = decode(token, keys, expected, NOW);
    expect(decoded.ok).toBe(true);
    expect(({} as Record<string, unknown>).admin).toBeUndefined();
    const inherited = forge(header(), `{"__proto__":${JSON.stringify(claims)}}`);
    expect(answer(inherited)).toBe('token_issuer_wrong');
  });
});

describe('header', () => {
  test('JWT-07 RFC 8725 §3.1: an algorithm that is not the key’s is refused', () => {
    for (const alg of ['none', 'NONE', 'nOnE', '', 'HS256', 'es256', 'ES384', 'PS256', 'EdDSA', 'RS256'])
      expect(answer(forge(header({ alg }), claims))).toBe('token_algorithm_refused');
    expect(answer(`${text(header({ alg: 'none' }))}.${text(claims)}.`)).toBe('token_algorithm_refused');
  });

  test('JWT-07 CVE-2015-9235: a public key in any spelling is no HMAC secret', () => {
    const spellings = jwks.flatMap((jwk) => [JSON.stringify(jwk), ...Object.values(jwk as object).map(String)]);
    for (const secret of [...spellings, '']) {
      const input = `${text(header({ alg: 'HS256' }))}.${text(claims)}`;
      const token = `${input}.${createHmac('sha256', secret).update(input).digest('base64url')}`;
      expect(answer(token)).toBe('token_algorithm_refused');
    }
  });

  test('JWT-12, JWT-13 RFC 7515 §4.1.11, RFC 7797 §7: critical extensions and b64 are refused in every shape', () => {
    for (const crit of [[], ['exp'], ['foo'], ['b64'], 'exp', null, 1, {}, ['crit'], [1]])
      expect(answer(forge(header({ crit, foo: 1, b64: false }), claims))).toBe('token_critical_header');
    expect(answer(forge(header({ b64: false }), claims))).toBe('token_critical_header');
  });

  test('JWT-15 RFC 8725 §3.10: a kid is looked up and nothing else', () => {
    for (const kid of ['../../etc/passwd', "' OR 1=1", '__proto__', 'constructor', '', 'x'.repeat(128)])
      expect(answer(forge(header({ kid }), claims))).toBe('token_key_unknown');
    for (const kid of ['x'.repeat(129), 1, {}, [], null, true])
      expect(answer(forge(header({ kid }), claims))).toBe('token_malformed');
  });

  test('JWT-14 RFC 8725: key material in the header is never a source of keys', () => {
    const stranger = { alg: 'ES256', kid: 'stranger', typ: 'at+jwt' };
    for (const more of [
      { jwk: jwks[0] },
      { jku: 'http://127.0.0.1/' },
      { x5u: 'http://127.0.0.1/' },
      { x5c: ['AA=='] },
    ])
      expect(answer(forge({ ...stranger, ...more }, claims))).toBe('token_key_unknown');
  });

  test('JWT-16 RFC 7515 §4.1.4: without a kid only one key may fit', () => {
    const { kid: _, ...anonymous } = header();
    expect(answer(forge(anonymous, claims))).toBe('ok');
    const two = importNodeKeySet({ keys: [...jwks, { ...jwks[0], kid: 'twin' }] });
    if (two === undefined) throw new Error('no key set');
    expect(decode(forge(anonymous, claims), two, expected, NOW)).toEqual({ ok: false, error: 'token_key_unknown' });
  });

  test('JWT-17 RFC 9068 §4: only the type of access tokens, whatever its case', () => {
    for (const typ of ['at+jwt', 'AT+JWT', 'application/at+jwt', 'Application/At+Jwt'])
      expect(answer(forge(header({ typ }), claims))).toBe('ok');
    for (const typ of ['JWT', 'id_token', 'dpop+jwt', 'logout+jwt', 'secevent+jwt', '', 'at+jwt ', undefined])
      expect(answer(forge(header({ typ }), claims))).toBe('token_type_wrong');
  });

  test('JWT-17, JWT-18, RSV-09 RFC 8725 §3.12: where JWT is asked for, an ID token is still none', () => {
    const wide: Expected = { ...expected, typ: 'JWT' };
    expect(answer(forge(header({ typ: 'JWT' }), claims), wide)).toBe('ok');
    expect(answer(forge(header({ typ: 'at+jwt' }), claims), wide)).toBe('token_type_wrong');
    for (const only of [{ nonce: 'n' }, { at_hash: 'x' }, { events: {} }, { client_id: undefined }, { jti: undefined }])
      expect(answer(forge(header({ typ: 'JWT' }), { ...claims, ...only }), wide)).toBe('token_claims_invalid');
  });
});

describe('signature', () => {
  test('JWT-02, JWT-04: a payload that is not canonical is refused, even where it is what was signed', () => {
    const input = `${text(header())}.e31`;
    expect(answer(`${input}.${encodeBase64url(signers.ES256.sign(input))}`)).toBe('token_malformed');
  });

  test('JWT-09 RFC 7518 §3.4: numbers out of range, zero, DER and cut signatures are refused', () => {
    const [head, body, good = ''] = encodeAccessToken(claims, signers.ES256).split('.');
    const order = Buffer.from('ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551', 'hex');
    const zero = Buffer.alloc(32);
    const one = Buffer.concat([Buffer.alloc(31), Buffer.of(1)]);
    const raw = Buffer.from(good, 'base64url');
    const pairs = [
      [zero, zero],
      [zero, one],
      [one, zero],
      [order, order],
      [order, one],
      [one, order],
      [one, one],
    ] as const;
    const bad = [
      ...pairs.map((pair) => Buffer.concat(pair)),
      raw.subarray(0, 63),
      Buffer.concat([raw, one]),
      Buffer.alloc(0),
      Buffer.concat([Buffer.of(0x30, 0x44), raw]),
    ];
    for (const signature of bad)
      expect(answer(`${head}.${body}.${signature.toString('base64url')}`)).toBe('token_signature_invalid');
  });

  test('JWT-26 RFC 8725 §3.3: an expired token with a bad signature has a bad signature', () => {
    const [head, , signature] = encodeAccessToken(claims, signers.ES256).split('.');
    expect(answer(`${head}.${text({ ...claims, exp: NOW - 1000 })}.${signature}`)).toBe('token_signature_invalid');
  });

  test('JWT-26: no bit of a token can be changed', () => {
    const token = encodeAccessToken(claims, signers.ES256);
    fc.assert(
      fc.property(fc.nat(token.length - 1), fc.integer({ min: 0, max: 6 }), (index, bit) => {
        const changed = String.fromCharCode(token.charCodeAt(index) ^ (1 << bit));
        expect(answer(token.slice(0, index) + changed + token.slice(index + 1))).not.toBe('ok');
      }),
      { numRuns: 1000 },
    );
  });

  test('JWT-18: whatever the text, the answer is a refusal and nothing is thrown', () => {
    const part = fc.oneof(
      fc.string(),
      fc.string({ unit: 'binary' }),
      fc.base64String(),
      fc.json().map(text),
      fc.constant(text(header())),
    );
    fc.assert(
      fc.property(fc.array(part, { maxLength: 5 }), (parts) => answer(parts.join('.')) !== 'ok'),
      { numRuns: 1000 },
    );
  });
});

describe('claims', () => {
  test('JWT-19 RFC 8725 §3.8: the issuer is compared to the letter', () => {
    for (const iss of ['https://as.example/', 'https://AS.example', ['https://as.example'], undefined, null, 1])
      expect(withClaims({ iss })).toBe('token_issuer_wrong');
  });

  test('JWT-20 RFC 7519 §4.1.3: the audience must be among those named', () => {
    expect(withClaims({ aud: ['https://other.example', 'https://api.example'] })).toBe('ok');
    for (const aud of [[], [1], ['https://api.example', 1], 'https://api.example/', 'https://api', {}, 1, undefined])
      expect(withClaims({ aud })).toBe('token_audience_wrong');
  });

  test('JWT-21 RFC 7519 §4.1.4: exp is a finite number, and now lies before exp + leeway', () => {
    const at = (now: number) => answer(encodeAccessToken(claims, signers.ES256), expected, now as EpochSeconds);
    expect([at(claims.exp + 29), at(claims.exp + 30), at(claims.exp + 31)]).toEqual([
      'ok',
      'token_expired',
      'token_expired',
    ]);
    for (const exp of ['1e99', null, undefined, -1, '1795000300', true, [NOW]])
      expect(withClaims({ exp })).toBe('token_claims_invalid');
    expect(answer(forge(header(), JSON.stringify(claims).replace(/"exp":\d+/, '"exp":1e400')))).toBe(
      'token_claims_invalid',
    );
  });

  test('JWT-22 RFC 7519 §4.1.5: nbf, if there is one, is a number that lies at most the leeway ahead', () => {
    expect([29, 30, 31].map((ahead) => withClaims({ nbf: NOW + ahead }))).toEqual(['ok', 'ok', 'token_not_yet_valid']);
    expect(withClaims({ nbf: String(NOW) })).toBe('token_claims_invalid');
  });

  test('JWT-23, NUM-07: iat may lie ahead by ten seconds, or by the leeway where that is more', () => {
    const ahead = (leewaySeconds: number, seconds: number) =>
      answer(forge(header(), { ...claims, iat: NOW + seconds }), { ...expected, leewaySeconds });
    for (const [leeway, most] of [
      [0, 10],
      [10, 10],
      [30, 30],
      [60, 60],
    ] as const)
      expect([-1, 0, 1].map((more) => ahead(leeway, most + more))).toEqual(['ok', 'ok', 'token_not_yet_valid']);
    for (const iat of [undefined, null, 'x']) expect(withClaims({ iat })).toBe('token_claims_invalid');
  });

  test('JWT-24: a time in milliseconds is not taken for seconds', () => {
    expect(withClaims({ exp: (NOW + 300) * 1000 })).toBe('token_claims_invalid');
  });

  test('JWT-25 RFC 9068 §2.2: claims have their types', () => {
    const wrong = [
      { sub: 1 },
      { client_id: undefined },
      { jti: null },
      { scope: ['a'] },
      { roles: 'admin' },
      { amr: [1] },
      { cnf: 'x' },
      { act: [] },
      { auth_time: 'x' },
      { pos: '1' },
      { pos: 1 },
      { sid: 1 },
      { fid: {} },
    ];
    for (const change of wrong) expect(withClaims(change)).toBe('token_claims_invalid');
  });
});

test('JWT-29: reading without verification gives another type, and says so', () => {
  const read = decodeUnverified(forge({ alg: 'none' }, { sub: 'x' }));
  expect(read).toEqual({
    unverified: true,
    header: { alg: 'none', kid: undefined, typ: undefined },
    claims: { sub: 'x' },
  });
  expect(decodeUnverified('x')).toBeUndefined();
  expect(decodeUnverified(`${text({ alg: 'none' })}.e31.`)).toBeUndefined();
});
