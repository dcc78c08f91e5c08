import type { Introspection } from '@latchkey/protocol/claims';
import type { EpochSeconds } from '@latchkey/protocol/types';
import { hostileText } from '@latchkey/testkit/arbitraries/text';
import fc from 'fast-check';
import { beforeAll, expect, test } from 'vitest';
import { generateSigningKey } from '../keys/generate.ts';
import type { KeySet } from '../keys/key-set.ts';
import { importNodeKeySet, importSigner } from '../keys/node-crypto.ts';
import type { Signer } from '../keys/signer.ts';
import { createAccessTokenDecoder, decodeUnverified, encodeAccessToken } from './access-token-jwt.ts';
import { encodeBase64url } from './base64url.ts';
import { signCompact } from './compact.ts';
import { decodeIntrospection, encodeIntrospection, type IntrospectionAnswer } from './introspection-jwt.ts';

const ISSUER = 'https://as.example';
const API = 'https://api.example';
const NOW = 1_000_000 as EpochSeconds;
const at = (offset: number) => (NOW + offset) as EpochSeconds;
const claims = { iss: ISSUER, sub: 'acc_1', aud: API, client_id: 'cli_1', jti: 'tok_1', iat: NOW, exp: at(300) };
const active: Introspection = { ...claims, active: true, token_type: 'Bearer' };
const whole: IntrospectionAnswer = { iss: ISSUER, aud: API, iat: NOW, introspection: active };
let signers: readonly Signer[];
let signer: Signer;
let keys: KeySet;

beforeAll(async () => {
  const made = await Promise.all((['ES256', 'RS256', 'Ed25519'] as const).map(generateSigningKey));
  const set = importNodeKeySet({ keys: made.map(({ jwk }) => jwk) });
  signers = made.map(({ jwk, pkcs8 }) => importSigner(jwk.alg, jwk.kid, pkcs8));
  const [first] = signers;
  if (set === undefined || first === undefined) throw new Error('no keys');
  keys = set;
  signer = first;
});

const expected = { issuer: ISSUER, audience: API, leewaySeconds: 30, maxAgeSeconds: 60 };
const answer = (token: string, now: EpochSeconds = NOW) => {
  const decoded = decodeIntrospection(token, keys, expected, now);
  return decoded.ok ? decoded.value : decoded.error;
};
const said = { iss: ISSUER, aud: API, iat: NOW, token_introspection: active };
const forged = (change: object, typ = 'token-introspection+jwt') =>
  answer(signCompact(typ, { ...said, ...change }, signer));

test('INT-07 RFC 9701 §5: it says who was asked, who asked and when, and the answer inside; no subject and no end of its own', () => {
  for (const one of signers) {
    const token = encodeIntrospection(whole, one);
    expect(decodeUnverified(token)).toEqual({
      unverified: true,
      header: { typ: 'token-introspection+jwt', alg: one.alg, kid: one.kid },
      claims: said,
    });
    expect(answer(token)).toEqual(whole);
  }
});

test('INT-08 RFC 9701 §5: of a token that is not active it says nothing else', () => {
  const inactive: IntrospectionAnswer = { ...whole, introspection: { active: false } };
  const token = encodeIntrospection(inactive, signer);
  expect(decodeUnverified(token)?.claims).toEqual({ ...said, token_introspection: { active: false } });
  expect(answer(token)).toEqual(inactive);
});

test('INT-09 RFC 9701 §8.1: no answer is an access token, and no access token is an answer', () => {
  const decode = createAccessTokenDecoder();
  for (const typ of ['at+jwt', 'JWT'] as const) {
    const asToken = { issuer: ISSUER, audience: API, leewaySeconds: 30, typ };
    expect(decode(encodeIntrospection(whole, signer), keys, asToken, NOW)).toEqual({
      ok: false,
      error: 'token_type_wrong',
    });
    expect(answer(encodeAccessToken(claims, signer, typ))).toBe('token_type_wrong');
  }
  for (const typ of ['introspection+jwt', 'logout+jwt', 'dpop+jwt', ''])
    expect(forged({}, typ)).toBe('token_type_wrong');
  for (const typ of ['Token-Introspection+JWT', 'application/token-introspection+jwt'])
    expect(forged({}, typ)).toEqual(whole);
  const text = (value: object) => encodeBase64url(new TextEncoder().encode(JSON.stringify(value)));
  const untyped = `${text({ alg: signer.alg, kid: signer.kid })}.${text(said)}`;
  expect(answer(`${untyped}.${encodeBase64url(signer.sign(untyped))}`)).toBe('token_type_wrong');
});

test.each([
  ['a subject', { sub: 'acc_1' }],
  ['an end', { exp: 2_000_000 }],
  ['no time', { iat: undefined }],
  ['a time in words', { iat: 'now' }],
  ['a time before all time', { iat: -1 }],
  ['no answer', { token_introspection: undefined }],
  ['an answer that is nothing', { token_introspection: null }],
  ['an answer in words', { token_introspection: 'active' }],
  ['an answer that says nothing', { token_introspection: {} }],
  ['a yes in words', { token_introspection: { active: 'true' } }],
  ['a no with something beside it', { token_introspection: { active: false, sub: 'acc_1' } }],
])('RFC 9701 §5: an answer with %s is refused', (_, change) => {
  expect(forged(change)).toBe('token_claims_invalid');
});

test('RFC 8725 §3.8, §3.9: it is of this issuer and for this resource server, to the letter', () => {
  for (const iss of [`${ISSUER}/`, [ISSUER], undefined]) expect(forged({ iss })).toBe('token_issuer_wrong');
  for (const aud of [`${API}/`, [API], undefined]) expect(forged({ aud })).toBe('token_audience_wrong');
});

test.each([
  [-31, 'token_not_yet_valid'],
  [-30, undefined],
  [89, undefined],
  [90, 'token_expired'],
])('%d seconds after it was made, an answer: %s', (offset, error) => {
  expect(answer(encodeIntrospection(whole, signer), at(offset))).toEqual(error ?? whole);
});

test('one that was changed, cut, or signed by nobody we know is none', async () => {
  const token = encodeIntrospection(whole, signer);
  const [head, body, signature] = token.split('.');
  const other = encodeIntrospection({ ...whole, introspection: { active: false } }, signer).split('.')[1];
  expect(answer(`${head}.${other}.${signature}`)).toBe('token_signature_invalid');
  expect(answer(`${head}.${body}`)).toBe('token_malformed');
  const list = `${head}.${encodeBase64url(new TextEncoder().encode('[]'))}`;
  expect(answer(`${list}.${encodeBase64url(signer.sign(list))}`)).toBe('token_malformed');
  const { jwk, pkcs8 } = await generateSigningKey('ES256');
  expect(answer(encodeIntrospection(whole, importSigner('ES256', jwk.kid, pkcs8)))).toBe('token_key_unknown');
});

test('whatever the text, the answer is a refusal and nothing is thrown', () => {
  fc.assert(fc.property(hostileText, (any) => typeof answer(any) === 'string'));
});
