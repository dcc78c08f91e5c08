import { hostileText } from '@latchkey/testkit/arbitraries/text';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { CLAIMS_OF_SCOPE, claimsOf, parseClaimsRequest, scopesOf } from './claims-request.ts';
import { LIMITS } from './limits.ts';
import { IDENTITY_SCOPES, isIdentityScope } from './scope.ts';

const read = (json: unknown) => {
  const claims = parseClaimsRequest(typeof json === 'string' ? json : JSON.stringify(json));
  return claims.ok ? claims.value : claims.error;
};
const nothing = { requested: { idToken: [], userinfo: [] }, essentialAcr: undefined, subject: undefined };

test('OIDC-10 OIDC Core §5.5: what is asked for, where, and of whom', () => {
  expect(
    read({
      userinfo: {
        given_name: { essential: true },
        nickname: null,
        'http://a.example/x': null,
        email: { essential: false },
      },
      id_token: {
        auth_time: { essential: true },
        acr: { essential: true, values: ['high', 'low'] },
        sub: { value: 'acc_1' },
      },
    }),
  ).toEqual({
    requested: { idToken: ['auth_time', 'acr'], userinfo: ['given_name', 'nickname', 'email'] },
    essentialAcr: ['high', 'low'],
    subject: 'acc_1',
  });
  for (const empty of [{}, { userinfo: {} }, { id_token: {} }, { other: 1, '': [] }])
    expect(read(empty)).toEqual(nothing);
});

test('OIDC-10 OIDC Core §5.5.1.1: an acr is essential only where it says so and names values in the ID token', () => {
  const acrOf = (acr: unknown) => read({ id_token: { acr } });
  expect(acrOf({ essential: true, value: 'a' })).toMatchObject({ essentialAcr: ['a'] });
  for (const acr of [
    null,
    {},
    { essential: true },
    { essential: true, values: [] },
    { value: 'a' },
    { essential: 'true', value: 'a' },
    { essential: false, values: ['a'] },
  ])
    expect(acrOf(acr)).toMatchObject({ essentialAcr: undefined });
  expect(read({ userinfo: { acr: { essential: true, value: 'a' } } })).toMatchObject({ essentialAcr: undefined });
  for (const more of [
    { value: 1 },
    { value: null },
    { values: 'a', value: ['a'] },
    { values: ['a', 1] },
    { values: {} },
  ])
    expect(acrOf({ essential: true, ...more })).toBe('claims_malformed');
});

test('OIDC Core §5.5.1: one subject may be asked for, and no more', () => {
  const subOf = (sub: unknown) => read({ id_token: { sub } });
  for (const sub of [null, {}, { essential: true }]) expect(subOf(sub)).toMatchObject({ subject: undefined });
  for (const sub of [{ value: 1 }, { value: null }, { values: ['a', 'b'] }])
    expect(subOf(sub)).toBe('claims_malformed');
});

test.each([
  '',
  '{',
  'null',
  '[]',
  '"a"',
  '1',
  '{"userinfo":null}',
  '{"id_token":[]}',
  '{"id_token":"a"}',
  '{"userinfo":{"email":true}}',
  '{"userinfo":{"email":"a"}}',
  '{"id_token":{"unknown":[]}}',
  '{"__proto__":{},"id_token":1}',
])('OIDC-10 OIDC Core §5.5: %s is malformed', (text) => {
  expect(read(text)).toBe('claims_malformed');
});

test('OIDC-10: names that could reach a prototype are members like others', () => {
  expect(read('{"__proto__":{"id_token":{"acr":{"essential":true,"value":"a"}}}}')).toEqual(nothing);
  expect(read('{"id_token":{"__proto__":{"sub":{"value":"a"}},"constructor":null,"toString":null}}')).toEqual(nothing);
  expect(read('{"id_token":{"acr":{"__proto__":{"essential":true,"value":"a"}}}}')).toMatchObject({
    essentialAcr: undefined,
  });
});

test('NUM-10: one level more than 16 is refused, one character more than 4096, one value more than 10', () => {
  const nested = (depth: number) => read(`{"x":${'['.repeat(depth - 1)}${']'.repeat(depth - 1)}}`);
  expect([15, 16, 17, 2000].map(nested)).toEqual([nothing, nothing, 'claims_malformed', 'claims_malformed']);
  const sized = (length: number) => read('{}'.padEnd(length));
  const max = LIMITS.claimsRequestMax;
  expect([max - 1, max, max + 1].map(sized)).toEqual([nothing, nothing, 'claims_malformed']);
  const many = (count: number) => {
    const claims = read({ id_token: { acr: { essential: true, values: Array.from({ length: count }, () => 'a') } } });
    return typeof claims === 'string' ? claims : claims.essentialAcr?.length;
  };
  expect([9, 10, 11].map(many)).toEqual([9, 10, 'claims_malformed']);
});

test('OIDC-10: whatever the text, it is read or refused, and nothing is thrown', () => {
  const object = fc.object({
    key: fc.constantFrom('id_token', 'userinfo', 'acr', 'sub', 'value', 'values', 'essential', '__proto__'),
  });
  fc.assert(
    fc.property(
      fc.oneof(
        hostileText,
        fc.json(),
        object.map((value) => JSON.stringify(value)),
      ),
      (text) => {
        const claims = read(text);
        expect(typeof claims === 'object' || claims === 'claims_malformed').toBe(true);
      },
    ),
    { numRuns: 500 },
  );
});

test('OIDC Core §5.4: every scope with claims is one of identity', () => {
  expect(Object.keys(CLAIMS_OF_SCOPE).every(isIdentityScope)).toBe(true);
  expect(IDENTITY_SCOPES.every(isIdentityScope)).toBe(true);
  expect(['OpenID', 'roles', '', '__proto__'].filter(isIdentityScope)).toEqual([]);
});

test('OIDC Core §5.4: scopes ask for their claims, and a claim belongs to one scope', () => {
  expect(claimsOf(['openid', 'phone', 'email', '__proto__'])).toEqual([
    'email',
    'email_verified',
    'phone_number',
    'phone_number_verified',
  ]);
  expect(claimsOf([])).toEqual([]);
  expect(scopesOf(['phone_number', 'name', 'nickname', 'acr', 'shoe_size'])).toEqual(['profile', 'phone']);
  expect(scopesOf([])).toEqual([]);
  const all = Object.values(CLAIMS_OF_SCOPE).flat();
  expect(new Set(all).size).toBe(all.length);
});
