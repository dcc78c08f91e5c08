import type { AccessTokenClaims } from '@latchkey/protocol/claims';
import type { EpochSeconds } from '@latchkey/protocol/types';
import { hostileText } from '@latchkey/testkit/arbitraries/text';
import fc from 'fast-check';
import { beforeAll, expect, test } from 'vitest';
import { generateSigningKey } from '../keys/generate.ts';
import type { KeySet } from '../keys/key-set.ts';
import { importNodeKeySet, importSigner } from '../keys/node-crypto.ts';
import type { Signer } from '../keys/signer.ts';
import { createAccessTokenDecoder, encodeAccessToken } from './access-token-jwt.ts';
import { signCompact } from './compact.ts';
import { decodeForwardAssertion, encodeForwardAssertion, forwardAssertionOf } from './forward-assertion.ts';
import { decodeIdTokenHint } from './id-token.ts';
import { decodeLogoutToken } from './logout-token.ts';

const ISSUER = 'https://as.example';
const AUDIENCE = 'https://api.example';
const NOW = 1_000_000 as EpochSeconds;
const at = (offset: number) => (NOW + offset) as EpochSeconds;
const access: AccessTokenClaims = {
  iss: ISSUER,
  aud: AUDIENCE,
  sub: 'acc_1',
  client_id: 'cli_1',
  jti: 'tok_1',
  iat: at(-100),
  exp: at(200),
  pos: '1:2',
  fid: 'fam_1',
  sid: 'ses_1',
  scope: 'read',
  roles: ['clerk'],
  permissions: ['orders:read'],
  org_id: 'org_1',
  api_key: 'key_1',
  auth_time: at(-200),
  acr: 'mfa',
  amr: ['pwd', 'otp'],
  email: 'ada@example.com',
};
const assertor = { issuer: ISSUER, audience: AUDIENCE, jti: 'tok_9', now: NOW };
const claims = forwardAssertionOf(access, assertor);
let signer: Signer;
let keys: KeySet;

beforeAll(async () => {
  const { jwk, pkcs8 } = await generateSigningKey('ES256');
  const set = importNodeKeySet({ keys: [jwk] });
  if (set === undefined) throw new Error('no keys');
  keys = set;
  signer = importSigner('ES256', jwk.kid, pkcs8);
});

const answer = (token: string, now: EpochSeconds = NOW) => {
  const decoded = decodeForwardAssertion(token, keys, { issuer: ISSUER, audience: AUDIENCE }, now);
  return decoded.ok ? decoded.value : decoded.error;
};
const forged = (change: object, typ = 'latchkey-assertion+jwt') =>
  answer(signCompact(typ, { ...claims, ...change }, signer));

test('an assertion tells who it is, in which session and with which rights, and nothing else of the credential', () => {
  expect(claims).toEqual({
    iss: ISSUER,
    aud: AUDIENCE,
    sub: 'acc_1',
    client_id: 'cli_1',
    jti: 'tok_9',
    iat: NOW,
    exp: at(60),
    scope: 'read',
    roles: ['clerk'],
    permissions: ['orders:read'],
    org_id: 'org_1',
    sid: 'ses_1',
    api_key: 'key_1',
    auth_time: at(-200),
    acr: 'mfa',
    amr: ['pwd', 'otp'],
  });
  expect(answer(encodeForwardAssertion(claims, signer))).toEqual(claims);
});

test('what the credential does not say, the assertion does not say', () => {
  const { iss, aud, sub, client_id, jti, iat, exp } = access;
  const bare = forwardAssertionOf({ iss, aud, sub, client_id, jti, iat, exp }, assertor);
  expect(bare).toEqual({ iss, aud, sub, client_id, jti: 'tok_9', iat: NOW, exp: at(60) });
  expect(answer(encodeForwardAssertion(bare, signer))).toEqual(bare);
});

test.each([59, 60, 61])('it lives for a minute, and not longer than a credential of %d s', (left) => {
  expect(forwardAssertionOf({ ...access, exp: at(left) }, assertor).exp).toBe(at(Math.min(left, 60)));
});

test('it is no access token, no ID token and no logout token, and these are none', () => {
  const token = encodeForwardAssertion(claims, signer);
  const expected = { issuer: ISSUER, audience: AUDIENCE, leewaySeconds: 0 };
  const decode = createAccessTokenDecoder();
  for (const typ of ['at+jwt', 'JWT'] as const)
    expect(decode(token, keys, { ...expected, typ }, NOW)).toEqual({ ok: false, error: 'token_type_wrong' });
  expect(decodeIdTokenHint(token, keys, ISSUER)).toEqual({ ok: false, error: 'token_type_wrong' });
  expect(decodeLogoutToken(token, keys, { issuer: ISSUER, clientId: AUDIENCE }, NOW)).toEqual({
    ok: false,
    error: 'token_type_wrong',
  });
  for (const typ of ['at+jwt', 'JWT'] as const)
    expect(answer(encodeAccessToken(access, signer, typ))).toBe('token_type_wrong');
  expect(forged({}, 'logout+jwt')).toBe('token_type_wrong');
  expect(forged({}, 'application/Latchkey-Assertion+JWT')).toEqual(claims);
});

test.each([
  [{ iss: 'https://other.example' }, 'token_issuer_wrong'],
  [{ aud: 'https://other.example' }, 'token_audience_wrong'],
  [{ aud: [AUDIENCE] }, 'token_audience_wrong'],
  [{ sub: undefined }, 'token_claims_invalid'],
  [{ sub: 1 }, 'token_claims_invalid'],
  [{ client_id: null }, 'token_claims_invalid'],
  [{ jti: undefined }, 'token_claims_invalid'],
  [{ iat: '1' }, 'token_claims_invalid'],
  [{ exp: -1 }, 'token_claims_invalid'],
  [{ exp: undefined }, 'token_claims_invalid'],
  [{ scope: ['read'] }, 'token_claims_invalid'],
  [{ roles: 'clerk' }, 'token_claims_invalid'],
  [{ roles: [1] }, 'token_claims_invalid'],
  [{ auth_time: 'now' }, 'token_claims_invalid'],
])('an assertion with %j is refused', (change, error) => {
  expect(forged(change)).toBe(error);
});

test('time has its bounds, with a leeway of half a minute', () => {
  const token = encodeForwardAssertion(claims, signer);
  expect([answer(token, at(89)), answer(token, at(90)), answer(token, at(91))]).toEqual([
    claims,
    'token_expired',
    'token_expired',
  ]);
  expect([answer(token, at(-31)), answer(token, at(-30)), answer(token, at(-29))]).toEqual([
    'token_not_yet_valid',
    claims,
    claims,
  ]);
});

test('keys, signatures and form are looked at before anything is believed', async () => {
  const token = encodeForwardAssertion(claims, signer);
  const [head = '', payload = ''] = token.split('.');
  expect(answer(`${head}.${payload}.${'A'.repeat(86)}`)).toBe('token_signature_invalid');
  const { jwk, pkcs8 } = await generateSigningKey('ES256');
  expect(answer(encodeForwardAssertion(claims, importSigner('ES256', jwk.kid, pkcs8)))).toBe('token_key_unknown');
  const input = `${head}.${Buffer.from('[1]').toString('base64url')}`;
  expect(answer(`${input}.${Buffer.from(signer.sign(input)).toString('base64url')}`)).toBe('token_malformed');
  expect(answer(signCompact('', claims, signer))).toBe('token_type_wrong');
});

test('whatever the text, the answer is a value', () => {
  fc.assert(
    fc.property(hostileText, (text) => {
      expect(typeof answer(text)).toBe('string');
    }),
  );
});
