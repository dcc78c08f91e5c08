import { formFields } from '@latchkey/testkit/arbitraries/form';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { errorRow } from './errors.ts';
import { LIMITS } from './limits.ts';
import { parseParameters } from './parameters.ts';
import { parseResources, parseTokenRequest } from './token-request.ts';

function requestOf(text: string) {
  const form = parseParameters(text);
  if (!form.ok) throw new Error(form.error);
  return parseTokenRequest(form.value);
}
const refused = (error: string) => ({ ok: false, error });

test('RFC 6749 §4.4.2, §6: what the wire says of each grant', () => {
  const rest = 'scope=a+b&resource=urn:a:b&resource=https://c.example/?d&refresh_token=t&attempt_id=7&unknown=x';
  const common = { scope: 'a b', resources: ['urn:a:b', 'https://c.example/?d'] };
  expect(requestOf(`grant_type=client_credentials&${rest}`)).toEqual({
    ok: true,
    value: { grantType: 'client_credentials', ...common },
  });
  expect(requestOf(`grant_type=refresh_token&${rest}`)).toEqual({
    ok: true,
    value: { grantType: 'refresh_token', ...common, refreshToken: 't', attemptId: '7' },
  });
  expect(requestOf('grant_type=refresh_token&refresh_token=t')).toEqual({
    ok: true,
    value: { grantType: 'refresh_token', scope: undefined, resources: [], refreshToken: 't', attemptId: undefined },
  });
});

test.each([
  '',
  'grant_type=',
  'refresh_token=t',
  'grant_type=refresh_token',
  'grant_type=refresh_token&refresh_token=',
])('RFC 6749 §5.2: %j lacks a parameter', (text) => {
  expect(requestOf(text)).toEqual(refused('parameter_missing'));
});

test.each(['password', 'implicit', 'Authorization_Code', 'REFRESH_TOKEN', 'refresh_token ', '__proto__'])(
  'CODE-08, CODE-10 RFC 6749 §5.2: there is no grant type %j',
  (grantType) => {
    const text = new URLSearchParams({ grant_type: grantType, refresh_token: 't', username: 'a', password: 'b' });
    expect(requestOf(text.toString())).toEqual(refused('grant_type_unsupported'));
  },
);

test.each([
  '/api',
  'api',
  '//api.example',
  'https://api.example/#',
  'https://api.example/#a',
  'https:',
  ':x',
  '1https://a',
  'https://a b',
  'https://é.example',
  'urn:a\n',
])('RES-01 RFC 8707 §2: %j is no absolute URI without a fragment', (resource) => {
  const good = 'https://api.example';
  expect(parseResources([good, resource])).toEqual(refused('resource_malformed'));
  const text = new URLSearchParams([
    ['grant_type', 'client_credentials'],
    ['resource', good],
    ['resource', resource],
  ]);
  expect(requestOf(text.toString())).toEqual(refused('resource_malformed'));
});

test('CODE-01 RFC 6749 §4.1.3, RFC 7636 §4.5: what the wire says of a code', () => {
  const verifier = 'v'.repeat(43);
  const rest = `code=c&redirect_uri=https://a.example/cb&code_verifier=${verifier}&resource=urn:a:b&scope=a&refresh_token=t`;
  expect(requestOf(`grant_type=authorization_code&${rest}`)).toEqual({
    ok: true,
    value: {
      grantType: 'authorization_code',
      code: 'c',
      redirectUri: 'https://a.example/cb',
      codeVerifier: verifier,
      resources: ['urn:a:b'],
    },
  });
  expect(requestOf('grant_type=authorization_code&code=c')).toEqual({
    ok: true,
    value: {
      grantType: 'authorization_code',
      code: 'c',
      redirectUri: undefined,
      codeVerifier: undefined,
      resources: [],
    },
  });
  expect(requestOf('grant_type=authorization_code&code=')).toEqual(refused('parameter_missing'));
});

const EXCHANGE = 'grant_type=urn:ietf:params:oauth:grant-type:token-exchange&subject_token=k';
const OF_KEY = '&subject_token_type=urn:latchkey:params:oauth:token-type:api_key';

test('APK-05 RFC 8693 §2.1: what the wire says of an exchange', () => {
  const common = { grantType: 'urn:ietf:params:oauth:grant-type:token-exchange', subjectToken: 'k' };
  const wanted = '&requested_token_type=urn:ietf:params:oauth:token-type:access_token';
  expect(requestOf(`${EXCHANGE}${OF_KEY}${wanted}&scope=a+b&resource=urn:a:b&audience=x&actor_token=`)).toEqual({
    ok: true,
    value: { ...common, scope: 'a b', resources: ['urn:a:b'], audience: 'x' },
  });
  expect(requestOf(EXCHANGE + OF_KEY)).toEqual({
    ok: true,
    value: { ...common, scope: undefined, resources: [], audience: undefined },
  });
});

test.each([
  [EXCHANGE, 'parameter_missing'],
  [`${EXCHANGE.replace('=k', '=')}${OF_KEY}`, 'parameter_missing'],
  [`${EXCHANGE}&subject_token_type=urn:ietf:params:oauth:token-type:access_token`, 'subject_token_type_unsupported'],
  [`${EXCHANGE}&subject_token_type=api_key`, 'subject_token_type_unsupported'],
  [
    `${EXCHANGE}${OF_KEY}&requested_token_type=urn:ietf:params:oauth:token-type:refresh_token`,
    'requested_token_type_unsupported',
  ],
  [
    `${EXCHANGE}${OF_KEY}&requested_token_type=urn:ietf:params:oauth:token-type:jwt`,
    'requested_token_type_unsupported',
  ],
  [`${EXCHANGE}${OF_KEY}&actor_token=x`, 'actor_token_unsupported'],
  [`${EXCHANGE}${OF_KEY}&actor_token_type=x`, 'actor_token_unsupported'],
  [`${EXCHANGE}${OF_KEY}&resource=x`, 'resource_malformed'],
])('APK-05 RFC 8693 §2.2.2: %s is refused: %s', (text, error) => {
  expect(requestOf(text)).toEqual(refused(error));
});

test('whatever is refused of a key for what it is, the answer is the same, and tells no more', () => {
  const whose = ['subject_token_malformed', 'subject_token_wrong', 'subject_token_over'] as const;
  for (const id of [...whose, 'subject_token_changed', 'subject_token_network_refused'] as const)
    expect(errorRow(id)).toMatchObject({ status: 400, code: 'invalid_request', disclose: false });
});

test.each([
  [42, false],
  [43, true],
  [128, true],
  [129, false],
])('PKCE-04 RFC 7636 §4.1: a verifier of %d characters is read: %s', (length, isRead) => {
  const answer = requestOf(`grant_type=authorization_code&code=c&code_verifier=${'v'.repeat(length)}`);
  expect(answer.ok ? true : answer.error).toBe(isRead || 'code_verifier_malformed');
});

test.each([
  [LIMITS.codeMax - 1, true],
  [LIMITS.codeMax, true],
  [LIMITS.codeMax + 1, false],
])('a code of %d characters is looked up: %s', (length, isRead) => {
  const answer = requestOf(`grant_type=authorization_code&code=${'c'.repeat(length)}`);
  expect(answer.ok ? true : answer.error).toBe(isRead || 'code_unknown');
});

test('whatever is refused of a code for what it is, the answer is the same, and tells no more', () => {
  const whose = ['code_unknown', 'code_expired', 'code_used', 'code_of_other_client', 'code_ended'] as const;
  for (const id of [...whose, 'code_redirect_uri_wrong', 'code_verifier_wrong', 'code_tries_exceeded'] as const)
    expect(errorRow(id)).toMatchObject({ status: 400, code: 'invalid_grant', disclose: false });
});

test('whatever the fields, a token request is read or refused, and an unread grant type is never issued for', () => {
  fc.assert(
    fc.property(formFields, (fields) => {
      const form = parseParameters(new URLSearchParams(fields.map(([name, value]) => [name, value])).toString());
      if (!form.ok) return;
      const request = parseTokenRequest(form.value);
      if (request.ok) expect(request.value.grantType).toBe(form.value.get('grant_type'));
      else expect(['parameter_missing', 'grant_type_unsupported', 'resource_malformed']).toContain(request.error);
    }),
  );
});
