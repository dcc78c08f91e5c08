import { damaged, hostileText } from '@latchkey/testkit/arbitraries/text';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { bearerChallenge, parseBearer } from './bearer.ts';
import { ERRORS, type ErrorId } from './errors.ts';

const malformed = { ok: false, error: 'authorization_malformed' };

test.each(['Bearer abc.DEF-1_~+/==', 'bearer abc.DEF-1_~+/==', 'BEARER abc.DEF-1_~+/==', 'Bearer    abc.DEF-1_~+/=='])(
  'RSV-06 RFC 9110 §11.1: %j is read, whatever the case of its scheme',
  (header) => {
    expect(parseBearer(header)).toEqual({ ok: true, value: 'abc.DEF-1_~+/==' });
  },
);

test.each([
  undefined,
  'Basic YTpi',
  'DPoP abc',
  'Digest',
  'AWS4-HMAC-SHA256 a=b',
  'Bearerx abc',
  'X!#$%&\'*+-.^_`|~ "',
])('RSV-06: %j carries no bearer token', (header) => {
  expect(parseBearer(header)).toEqual({ ok: true, value: undefined });
});

test.each([
  '',
  ' ',
  'Bearer',
  'Bearer ',
  'Bearer\tabc',
  ' Bearer abc',
  'Bearer a b',
  'Bearer a,b',
  'Bearer a,Bearer b',
  'Bearer "a"',
  'Bearer =',
  'Bearer a=b',
  'Bearer é',
  'Bearer a\n',
  'Bearer a\nb',
  'Basic, Bearer a',
  'Basic YTpi, Bearer a',
  'Basic YTpi,bearer a',
  'é a',
])('RSV-04, RSV-06 RFC 6750 §2.1: %j is malformed', (header) => {
  expect(parseBearer(header)).toEqual(malformed);
});

test('RSV-06: whatever the header, the answer agrees with the grammar, and nothing is thrown', () => {
  const credentials = fc
    .tuple(fc.constantFrom('Bearer', 'bEARER', 'Basic'), hostileText)
    .map((parts) => parts.join(' '));
  const header = fc.oneof(hostileText, credentials, damaged(fc.constant('Bearer abc~+/=')));
  fc.assert(
    fc.property(header, (text) => {
      const parsed = parseBearer(text);
      const isToken = /^bearer +[a-z0-9._~+/-]+=*$/i.test(text) && !text.endsWith('\n');
      expect(parsed.ok && parsed.value !== undefined).toBe(isToken);
      if (parsed.ok && parsed.value !== undefined) expect(text.endsWith(` ${parsed.value}`)).toBe(true);
    }),
    { numRuns: 500 },
  );
});

const realm = 'api';

test.each([
  ['access_token_missing', {}, 'Bearer realm="api"'],
  ['access_token_missing', { scope: ['a', 'b'] }, 'Bearer realm="api", scope="a b"'],
  [
    'token_expired',
    { errorId: 'id-1', scope: [] },
    `Bearer realm="api", error="invalid_token", error_description="${ERRORS.token_expired.description}", error_id="id-1"`,
  ],
  ['refresh_token_reused', {}, 'Bearer realm="api", error="invalid_grant"'],
  [
    'authentication_too_old',
    { acrValues: ['mfa', 'pwd'], maxAgeSeconds: 0 },
    `Bearer realm="api", error="insufficient_user_authentication", error_description="${ERRORS.authentication_too_old.description}", acr_values="mfa pwd", max_age="0"`,
  ],
] as const)('RSV-07, RSV-10 RFC 6750 §3, RFC 9470 §3: the challenge for %s with %j', (error, more, challenge) => {
  expect(bearerChallenge(error, { realm, ...more })).toBe(challenge);
});

test('RSV-07 RFC 6750 §3: whatever the words, each value is one quoted string of printable ASCII', () => {
  const ids = Object.keys(ERRORS) as ErrorId[];
  fc.assert(
    fc.property(fc.constantFrom(...ids), hostileText, fc.array(hostileText), (error, text, list) => {
      const challenge = bearerChallenge(error, { realm: text, scope: list, acrValues: list, errorId: text });
      expect(challenge).toMatch(/^Bearer [a-z_]+="[ -!#-[\]-~]*"(, [a-z_]+="[ -!#-[\]-~]*")*$/);
    }),
  );
});
