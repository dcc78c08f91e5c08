import { hostileText } from '@latchkey/testkit/arbitraries/text';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseAuthorizationRequest, resolveReturnAddress } from './authorization-request.ts';
import { ERRORS } from './errors.ts';
import { LIMITS } from './limits.ts';
import { parseParameters } from './parameters.ts';
import type { ApplicationType } from './redirect-uri.ts';
import type { ClientId } from './types.ts';

const CLIENT = 'cli_1' as ClientId;
const CB = 'https://a.example/cb';
const CHALLENGE = 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM';
type Fields = Readonly<Record<string, string | undefined>>;

function parametersOf(fields: Fields) {
  const given = Object.entries(fields).filter((field): field is [string, string] => field[1] !== undefined);
  const parameters = parseParameters(new URLSearchParams(given).toString());
  if (!parameters.ok) throw new Error(parameters.error);
  return parameters.value;
}

const addressOf = (
  fields: Fields,
  redirectUris: readonly string[] = [CB],
  applicationType: ApplicationType = 'web',
) => {
  const address = resolveReturnAddress(parametersOf(fields), { redirectUris, applicationType });
  return address.ok ? address.value : address.error;
};

const good: Fields = { response_type: 'code', code_challenge: CHALLENGE, code_challenge_method: 'S256' };
const requestOf = (change: Fields, requiresPkce = true) => {
  const parameters = parametersOf({ ...good, redirect_uri: CB, ...change });
  const address = resolveReturnAddress(parameters, { redirectUris: [CB], applicationType: 'web' });
  if (!address.ok) throw new Error(address.error);
  const request = parseAuthorizationRequest(parameters, CLIENT, address.value, { requiresPkce });
  return request.ok ? request.value : request.error;
};

test('RED-08 OAuth 2.1, OIDC Core §3.1.2.1: the one registered URI may be left out, but not for OpenID Connect', () => {
  const address = { redirectUri: CB, isRedirectUriGiven: false, responseMode: 'query', state: undefined };
  expect(addressOf({})).toEqual(address);
  expect(addressOf({ scope: 'a  openidx' })).toEqual(address);
  expect(addressOf({ redirect_uri: CB })).toEqual({ ...address, isRedirectUriGiven: true });
  expect(addressOf({ redirect_uri: CB, scope: 'openid' }, [CB, 'https://b.example/'])).toMatchObject({
    redirectUri: CB,
  });
  for (const scope of ['openid', 'a openid', ' openid  a']) expect(addressOf({ scope })).toBe('redirect_uri_missing');
  expect(addressOf({}, [CB, 'https://b.example/'])).toBe('redirect_uri_missing');
  expect(addressOf({}, [])).toBe('redirect_uri_missing');
});

test.each(['', 'query', 'form_post', 'fragment', 'form_post.jwt', 'jwt', 'web_message', 'nonsense'])(
  'RED-01 GHSA-9vm7-v8wj-3fqw: response mode %j opens no way to a URI that is not registered',
  (response_mode) => {
    for (const redirect_uri of [
      'https://evil.example/',
      `${CB}/`,
      '//evil.example',
      'javascript:alert(1)',
      'https://a.example',
    ])
      expect(addressOf({ redirect_uri, response_mode })).toBe('redirect_uri_unregistered');
    expect(addressOf({ redirect_uri: CB }, [])).toBe('redirect_uri_unregistered');
    expect(addressOf({ redirect_uri: CB, response_mode })).toMatchObject({
      responseMode: response_mode === 'form_post' ? 'form_post' : 'query',
    });
  },
);

test('RED-02, RED-03 RFC 8252 §7.3: the answer goes to the port that was asked for', () => {
  const asked = { redirect_uri: 'http://127.0.0.1:51004/cb' };
  expect(addressOf(asked, [CB, 'http://127.0.0.1/cb'])).toMatchObject({ redirectUri: asked.redirect_uri });
  const local = { redirect_uri: 'http://localhost:51004/cb' };
  expect(addressOf(local, ['http://localhost/cb'])).toBe('redirect_uri_unregistered');
  expect(addressOf(local, ['http://localhost/cb'], 'native')).toMatchObject({ redirectUri: local.redirect_uri });
});

test('a whole request is read', () => {
  expect(
    requestOf({
      state: 's',
      response_mode: 'form_post',
      scope: 'openid a a',
      resource: 'https://api.example',
      nonce: 'n',
      prompt: 'login consent login',
      max_age: '0',
      login_hint: 'ada',
      ui_locales: 'de  en de',
      acr_values: 'high low',
      claims:
        '{"id_token":{"acr":{"essential":true,"value":"high"},"sub":{"value":"acc_1"}},"userinfo":{"email":null}}',
      id_token_hint: 't',
      display: 'popup',
      unknown: 'x',
    }),
  ).toEqual({
    clientId: CLIENT,
    redirectUri: CB,
    isRedirectUriGiven: true,
    responseMode: 'form_post',
    state: 's',
    scope: ['openid', 'a'],
    resources: ['https://api.example'],
    nonce: 'n',
    codeChallenge: CHALLENGE,
    prompt: ['login', 'consent'],
    maxAge: 0,
    loginHint: 'ada',
    uiLocales: ['de', 'en'],
    acrValues: ['high', 'low'],
    essentialAcr: ['high'],
    claims: { idToken: ['acr'], userinfo: ['email'] },
    idTokenHint: 't',
    subject: 'acc_1',
  });
  expect(requestOf({})).toEqual({
    clientId: CLIENT,
    redirectUri: CB,
    isRedirectUriGiven: true,
    responseMode: 'query',
    codeChallenge: CHALLENGE,
    resources: [],
    prompt: [],
    uiLocales: [],
    acrValues: [],
  });
});

test('AUT-01 OAuth 2.1: the response type is code and nothing else', () => {
  expect(requestOf({ response_type: undefined })).toBe('parameter_missing');
  for (const type of [
    'token',
    'id_token',
    'id_token token',
    'code token',
    'code id_token',
    'none',
    'CODE',
    'code ',
    'code code',
  ])
    expect(requestOf({ response_type: type })).toBe('response_type_unsupported');
});

test('AUT-16: the response mode is query or form_post', () => {
  expect(requestOf({ response_mode: 'query' })).toMatchObject({ responseMode: 'query' });
  for (const mode of ['fragment', 'form_post.jwt', 'jwt', 'query.jwt', 'web_message', 'Query', '__proto__'])
    expect(requestOf({ response_mode: mode })).toBe('response_mode_unsupported');
});

test.each([
  ['request', 'request_object_unsupported', 'request_not_supported'],
  ['request_uri', 'request_uri_unsupported', 'request_uri_not_supported'],
  ['registration', 'registration_unsupported', 'registration_not_supported'],
] as const)('OIDC Core §3.1.2.6: %s is refused, whatever stands beside it', (name, id, code) => {
  expect(requestOf({ [name]: 'x' })).toBe(id);
  expect(requestOf({ [name]: 'x', response_type: undefined, code_challenge: undefined })).toBe(id);
  expect(ERRORS[id].code).toBe(code);
});

test('PKCE-01 OAuth 2.1: a request without a challenge is refused, but of a client that is exempted', () => {
  const without = { code_challenge: undefined, code_challenge_method: undefined };
  expect(requestOf(without)).toBe('code_challenge_missing');
  expect(requestOf({ ...without, code_challenge: '' })).toBe('code_challenge_missing');
  expect(requestOf(without, false)).toMatchObject({ codeChallenge: undefined });
  expect(requestOf({ code_challenge: undefined }, false)).toBe('code_challenge_missing');
  expect(requestOf({}, false)).toMatchObject({ codeChallenge: CHALLENGE });
});

test('PKCE-02 RFC 7636 §4.3: the method is S256; a missing one means plain', () => {
  for (const method of [undefined, '', 'plain', 's256', 'S256 ', 'S512'])
    for (const requiresPkce of [true, false])
      expect(requestOf({ code_challenge_method: method }, requiresPkce)).toBe('code_challenge_method_unsupported');
});

test('PKCE-03 RFC 7636 §4.2: the challenge is 43 characters of base64url', () => {
  for (const challenge of [CHALLENGE.slice(1), `${CHALLENGE}=`, CHALLENGE.replace('-', '+'), `${CHALLENGE}A`])
    for (const requiresPkce of [true, false])
      expect(requestOf({ code_challenge: challenge }, requiresPkce)).toBe('code_challenge_malformed');
});

test('OIDC-05 OIDC Core §3.1.2.1: none stands alone, and values are known ones', () => {
  for (const prompt of ['none', 'login', 'consent', 'select_account', 'none none'])
    expect(requestOf({ prompt })).toMatchObject({ prompt: [prompt.split(' ')[0]] });
  for (const prompt of ['none login', 'consent none', 'create', 'Login', 'login,consent', '__proto__', 'login x'])
    expect(requestOf({ prompt })).toBe('prompt_invalid');
});

test('OIDC-06 OIDC Core §3.1.2.1: max_age is a whole number of at most ten digits', () => {
  for (const max_age of ['0', '1', '300', '9999999999'])
    expect(requestOf({ max_age })).toMatchObject({ maxAge: Number(max_age) });
  for (const max_age of ['-1', '1.5', '1e3', '+1', ' 1', '0x1', '10000000000', 'NaN', '١'])
    expect(requestOf({ max_age })).toBe('max_age_invalid');
});

test('AUT-03, RES-01, OIDC-10: scope, resource and claims keep their grammar', () => {
  for (const scope of ['a  b', ' a', 'a"', 'é']) expect(requestOf({ scope })).toBe('scope_malformed');
  for (const resource of ['api', 'https://api.example/#f']) expect(requestOf({ resource })).toBe('resource_malformed');
  for (const claims of ['{', '[]', '{"id_token":1}']) expect(requestOf({ claims })).toBe('claims_malformed');
});

test.each([
  ['state', LIMITS.stateMax],
  ['nonce', LIMITS.nonceMax],
  ['login_hint', LIMITS.loginHintMax],
  ['id_token_hint', LIMITS.idTokenHintMax],
  ['ui_locales', LIMITS.nameListCharactersMax],
  ['acr_values', LIMITS.nameListCharactersMax],
])('AUT-06: %s may have %d characters, and not one more', (name, max) => {
  const sized = (length: number) => typeof requestOf({ [name]: 'x'.repeat(length) });
  expect([max - 1, max].map(sized)).toEqual(['object', 'object']);
  expect(requestOf({ [name]: 'x'.repeat(max + 1) })).toBe('parameter_too_long');
});

test.each([
  ['ui_locales', LIMITS.uiLocalesMax],
  ['acr_values', LIMITS.acrValuesMax],
])('%s may have %d names, and not one more', (name, max) => {
  const answers = [max - 1, max, max + 1].map((count) =>
    requestOf({ [name]: Array.from({ length: count }, (_, index) => `n${index}`).join(' ') }),
  );
  expect(answers.map((answer) => (typeof answer === 'string' ? answer : 'ok'))).toEqual([
    'ok',
    'ok',
    'parameter_too_long',
  ]);
});

test('AUT-06: a state that is too long is not sent back', () => {
  const sized = (length: number) => addressOf({ state: 'x'.repeat(length) });
  expect(sized(LIMITS.stateMax)).toMatchObject({ state: 'x'.repeat(LIMITS.stateMax) });
  expect(sized(LIMITS.stateMax + 1)).toMatchObject({ redirectUri: CB, state: undefined });
});

test('whatever the parameters, the answer is a request or an error of the catalogue, and goes to a registered URI', () => {
  const names = ['scope', 'state', 'prompt', 'claims', 'max_age', 'response_mode', 'resource', 'nonce', 'ui_locales'];
  const fields = fc.dictionary(fc.constantFrom(...names), fc.oneof(hostileText, fc.json()));
  fc.assert(
    fc.property(fields, (change) => {
      const request = requestOf(change);
      if (typeof request === 'string') expect(Object.keys(ERRORS)).toContain(request);
      else expect(request.redirectUri).toBe(CB);
    }),
    { numRuns: 300 },
  );
});
