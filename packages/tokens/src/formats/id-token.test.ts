import { createHash } from 'node:crypto';
import { hostileText } from '@latchkey/testkit/arbitraries/text';
import fc from 'fast-check';
import { beforeAll, expect, test } from 'vitest';
import { generateSigningKey } from '../keys/generate.ts';
import type { KeySet } from '../keys/key-set.ts';
import { importNodeKeySet, importSigner } from '../keys/node-crypto.ts';
import type { Signer } from '../keys/signer.ts';
import { decodeUnverified } from './access-token-jwt.ts';
import { encodeBase64url } from './base64url.ts';
import { signCompact } from './compact.ts';
import { accessTokenHash, decodeIdTokenHint, encodeIdToken, type IdTokenClaims } from './id-token.ts';

const ISSUER = 'https://as.example';
const claims: IdTokenClaims = {
  iss: ISSUER,
  sub: 'acc_1',
  aud: 'cli_1',
  azp: 'cli_1',
  iat: 1_000,
  exp: 4_600,
  sid: 'ses_1',
  nonce: 'n',
};
let signers: readonly Signer[];
let signer: Signer;
let keys: KeySet;

beforeAll(async () => {
  const made = await Promise.all((['ES256', 'RS256', 'PS256', 'Ed25519'] as const).map(generateSigningKey));
  const set = importNodeKeySet({ keys: made.map(({ jwk }) => jwk) });
  signers = made.map(({ jwk, pkcs8 }) => importSigner(jwk.alg, jwk.kid, pkcs8)).filter((one) => one !== undefined);
  const [first] = signers;
  if (set === undefined || first === undefined) throw new Error('no keys');
  keys = set;
  signer = first;
});

const answer = (token: string, issuer = ISSUER) => {
  const hint = decodeIdTokenHint(token, keys, issuer);
  return hint.ok ? hint.value : hint.error;
};
const forged = (change: object, typ = 'JWT') => answer(signCompact(typ, { ...claims, ...change }, signer));
const about = { sub: 'acc_1', aud: 'cli_1', sid: 'ses_1' };
const text = (value: string) => encodeBase64url(new TextEncoder().encode(value));

test('OIDC-02 OIDC Core §2: an ID token says what it was given, under the type JWT', () => {
  for (const one of signers) {
    const token = encodeIdToken(claims, one);
    expect(decodeUnverified(token)).toMatchObject({ header: { typ: 'JWT', alg: one.alg, kid: one.kid }, claims });
    expect(answer(token)).toEqual(about);
  }
});

test('OIDC-02 OIDC Core §3.1.3.6: at_hash is the left half of the hash of the algorithm', () => {
  const half = (hash: string, bytes: number) =>
    createHash(hash).update('token').digest().subarray(0, bytes).toString('base64url');
  expect(accessTokenHash('token', 'ES256')).toBe(half('sha256', 16));
  expect(accessTokenHash('token', 'RS256')).toBe(half('sha256', 16));
  expect(accessTokenHash('token', 'Ed25519')).toBe(half('sha512', 32));
  // OIDC Core Appendix A.4
  expect(accessTokenHash('jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y', 'RS256')).toBe('77QmUPtjPfzWtF2AnpK9RQ');
});

test('LOGO-02 OIDC RP-Initiated Logout §2: an ID token that has long expired is still a hint', () => {
  expect(forged({ exp: 1, iat: 0 })).toEqual(about);
  expect(forged({ exp: undefined, sid: undefined })).toEqual({ ...about, sid: undefined });
});

test('LOGO-02 RFC 8725 §3.8: a hint is of this issuer, to the letter', () => {
  for (const iss of [`${ISSUER}/`, 'https://AS.example', [ISSUER], undefined, null])
    expect(forged({ iss })).toBe('token_issuer_wrong');
});

test('LOGO-02 RFC 8725 §3.11, §3.12: no other token is an ID token', () => {
  for (const typ of ['jwt', 'JWT']) expect(forged({}, typ)).toEqual(about);
  for (const typ of ['at+jwt', 'AT+JWT', 'application/at+jwt', 'logout+jwt', 'secevent+jwt', 'dpop+jwt', ''])
    expect(forged({}, typ)).toBe('token_type_wrong');
  for (const foreign of [{ client_id: 'cli_1' }, { jti: 'tok_1' }, { scope: 'a' }, { pos: '1:1' }, { events: {} }])
    expect(forged(foreign)).toBe('token_claims_invalid');
  const untyped = `${text(JSON.stringify({ alg: signer.alg, kid: signer.kid }))}.${text(JSON.stringify(claims))}`;
  expect(answer(`${untyped}.${encodeBase64url(signer.sign(untyped))}`)).toEqual(about);
});

test('LOGO-02 OIDC Core §2: the claims of a hint have their types', () => {
  for (const change of [
    { sub: 1 },
    { sub: undefined },
    { aud: ['cli_1'] },
    { aud: undefined },
    { azp: 'cli_2' },
    { azp: undefined },
    { sid: 1 },
    { sid: null },
  ])
    expect(forged(change)).toBe('token_claims_invalid');
});

test('LOGO-02: a hint that was changed, cut, or signed by nobody we know is none', async () => {
  const token = encodeIdToken(claims, signer);
  const [head, body, signature] = token.split('.');
  expect(answer(`${head}.${text(JSON.stringify({ ...claims, sub: 'acc_2' }))}.${signature}`)).toBe(
    'token_signature_invalid',
  );
  expect(answer(`${head}.${body}`)).toBe('token_malformed');
  expect(answer(`${text('{"alg":"none","typ":"JWT"}')}.${body}.`)).toBe('token_key_unknown');
  expect(answer(`${text(JSON.stringify({ alg: 'none', kid: signer.kid, typ: 'JWT' }))}.${body}.`)).toBe(
    'token_algorithm_refused',
  );
  const list = `${head}.${text('[]')}`;
  expect(answer(`${list}.${encodeBase64url(signer.sign(list))}`)).toBe('token_malformed');
  const { jwk, pkcs8 } = await generateSigningKey('ES256');
  expect(answer(encodeIdToken(claims, importSigner('ES256', jwk.kid, pkcs8) ?? signer))).toBe('token_key_unknown');
});

test('LOGO-02: whatever the text, the answer is a refusal and nothing is thrown', () => {
  fc.assert(fc.property(hostileText, (any) => typeof answer(any) === 'string'));
});
