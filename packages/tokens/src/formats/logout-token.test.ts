import type { EpochSeconds } from '@latchkey/protocol/types';
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
import { decodeIdTokenHint } from './id-token.ts';
import { decodeLogoutToken, encodeLogoutToken, type LogoutTokenClaims } from './logout-token.ts';

const ISSUER = 'https://as.example';
const NOW = 1_000_000 as EpochSeconds;
const at = (offset: number) => (NOW + offset) as EpochSeconds;
const events = { 'http://schemas.openid.net/event/backchannel-logout': {} };
const claims: LogoutTokenClaims = {
  iss: ISSUER,
  aud: 'cli_1',
  iat: NOW,
  exp: at(120),
  jti: 'tok_1',
  sub: 'acc_1',
  sid: 'ses_1',
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

const answer = (token: string, now: EpochSeconds = NOW) => {
  const decoded = decodeLogoutToken(token, keys, { issuer: ISSUER, clientId: 'cli_1' }, now);
  return decoded.ok ? decoded.value : decoded.error;
};
const forged = (change: object, typ = 'logout+jwt') =>
  answer(signCompact(typ, { ...claims, events, ...change }, signer));

test('LOGO-04 OIDC Back-Channel Logout §2.4: a logout token says what it has to, and has no nonce', () => {
  for (const one of signers) {
    const token = encodeLogoutToken(claims, one);
    expect(decodeUnverified(token)).toEqual({
      unverified: true,
      header: { typ: 'logout+jwt', alg: one.alg, kid: one.kid },
      claims: { ...claims, events },
    });
    expect(answer(token)).toEqual(claims);
  }
});

test('LOGO-04: whatever it says, a client reads the same', () => {
  const text = hostileText.map((some) => some.toWellFormed().slice(0, 60));
  const either = fc
    .record({ sub: fc.option(text, { nil: undefined }), sid: fc.option(text, { nil: undefined }) })
    .filter(({ sub, sid }) => sub !== undefined || sid !== undefined);
  fc.assert(
    fc.property(either, text, (whom, jti) => {
      const said = { ...claims, ...whom, jti };
      expect(answer(encodeLogoutToken(said, signer))).toEqual(said);
    }),
  );
});

test('LOGO-04 RFC 8725 §3.11: no token of another type is one of logout, nor is this one of another type', () => {
  for (const typ of ['JWT', 'at+jwt', 'secevent+jwt', 'logout', '']) expect(forged({}, typ)).toBe('token_type_wrong');
  for (const typ of ['logout+JWT', 'application/logout+jwt']) expect(forged({}, typ)).toEqual(claims);
  expect(decodeIdTokenHint(encodeLogoutToken(claims, signer), keys, ISSUER)).toEqual({
    ok: false,
    error: 'token_type_wrong',
  });
  const text = (value: object) => encodeBase64url(new TextEncoder().encode(JSON.stringify(value)));
  const untyped = `${text({ alg: signer.alg, kid: signer.kid })}.${text({ ...claims, events })}`;
  expect(answer(`${untyped}.${encodeBase64url(signer.sign(untyped))}`)).toBe('token_type_wrong');
});

test.each([
  ['a nonce', { nonce: 'n' }],
  ['an empty nonce', { nonce: null }],
  ['no events', { events: undefined }],
  ['events that are a list', { events: [] }],
  ['events that are nothing', { events: null }],
  ['other events', { events: { 'https://other.example': {} } }],
  ['an event that is no object', { events: { 'http://schemas.openid.net/event/backchannel-logout': 1 } }],
  ['neither subject nor session', { sub: undefined, sid: undefined }],
  ['a subject of another type', { sub: 1 }],
  ['a session of another type', { sid: null }],
  ['no id', { jti: undefined }],
  ['no time', { iat: undefined }],
  ['no end', { exp: undefined }],
  ['an end before all time', { exp: -1 }],
  ['a time in words', { iat: 'now' }],
])('LOGO-04 OIDC Back-Channel Logout §2.6: with %s it is refused', (_, change) => {
  expect(forged(change)).toBe('token_claims_invalid');
});

test('LOGO-04 RFC 8725 §3.8, §3.9: it is of this issuer and for this client, to the letter', () => {
  for (const iss of [`${ISSUER}/`, [ISSUER], undefined]) expect(forged({ iss })).toBe('token_issuer_wrong');
  for (const aud of ['cli_2', ['cli_1'], undefined]) expect(forged({ aud })).toBe('token_audience_wrong');
});

test.each([
  [-31, 'token_not_yet_valid'],
  [-30, undefined],
  [149, undefined],
  [150, 'token_expired'],
])('LOGO-04: %d seconds after it was made: %s', (offset, error) => {
  expect(answer(encodeLogoutToken(claims, signer), at(offset))).toEqual(error ?? claims);
});

test('LOGO-04: one that was changed, cut, or signed by nobody we know is none', async () => {
  const token = encodeLogoutToken(claims, signer);
  const [head, body, signature] = token.split('.');
  const other = encodeLogoutToken({ ...claims, sub: 'acc_2' }, signer).split('.')[1];
  expect(answer(`${head}.${other}.${signature}`)).toBe('token_signature_invalid');
  expect(answer(`${head}.${body}`)).toBe('token_malformed');
  const list = `${head}.${encodeBase64url(new TextEncoder().encode('[]'))}`;
  expect(answer(`${list}.${encodeBase64url(signer.sign(list))}`)).toBe('token_malformed');
  const { jwk, pkcs8 } = await generateSigningKey('ES256');
  expect(answer(encodeLogoutToken(claims, importSigner('ES256', jwk.kid, pkcs8) ?? signer))).toBe('token_key_unknown');
});

test('LOGO-04: whatever the text, the answer is a refusal and nothing is thrown', () => {
  fc.assert(fc.property(hostileText, (any) => typeof answer(any) === 'string'));
});
