import { formFields } from '@latchkey/testkit/arbitraries/form';
import fc from 'fast-check';
import { expect, test } from 'vitest';
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
