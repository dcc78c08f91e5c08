import { expect, test } from 'vitest';
import { parseForwardQuestion, parseForwardTarget } from './forward-auth.ts';
import { LIMITS } from './limits.ts';

const malformed = { ok: false, error: 'forward_question_malformed' };

test.each([
  ['/verify/res_1', { resource: 'res_1', question: '', rest: '' }],
  ['/verify/res_1?', { resource: 'res_1', question: '', rest: '' }],
  ['/verify/res_1?scope=a&role=b', { resource: 'res_1', question: 'scope=a&role=b', rest: '' }],
  ['/verify', { resource: undefined, question: '', rest: '' }],
  ['/verify?scope=a', { resource: undefined, question: 'scope=a', rest: '' }],
  ['/verify/res_1/', { resource: 'res_1', question: '', rest: '/' }],
  ['/verify/res_1/a/../b?c=d?e', { resource: 'res_1', question: '', rest: '/a/../b?c=d?e' }],
  ['/verify/res_1/a?', { resource: 'res_1', question: '', rest: '/a?' }],
  ['/verify/res_1;scope=a;role=b/orders', { resource: 'res_1', question: 'scope=a&role=b', rest: '/orders' }],
])('the question is the operator’s: %s', (target, parts) => {
  expect(parseForwardTarget(target)).toEqual({ ok: true, value: parts });
});

test('where the query is the client’s, it asks nothing and takes nothing away', () => {
  expect(parseForwardTarget('/verify/res_1;scope=admin/a?scope=&preflight=pass;role=x')).toEqual({
    ok: true,
    value: { resource: 'res_1', question: 'scope=admin', rest: '/a?scope=&preflight=pass;role=x' },
  });
});

test.each([
  '/verify/',
  '/verify//a',
  '/verify/res_1;scope=a',
  '/verify/res_1;scope=a?role=b',
  '/verify;scope=a',
  '/verify/res_1#a',
  '/verify/res_1/a#b',
  '/verified',
  '/other',
  '',
  'https://a.example/verify/res_1',
])('forward_question_malformed: %j is no target', (target) => {
  expect(parseForwardTarget(target)).toEqual(malformed);
});

const nothing = {
  asked: {},
  tellsIdentity: false,
  passesPreflight: false,
  readsCookie: false,
  apiKeyHeader: undefined,
  takesTestKeys: false,
};

test('without parameters a valid credential is enough', () => {
  expect(parseForwardQuestion('')).toEqual({ ok: true, value: nothing });
});

test('a question may ask for all of it', () => {
  const text =
    'scope=a+b%20a&role=x&role=y z&max_age=60&acr_values=mfa+phr&headers=identity&preflight=pass&cookie=read&api_key_header=X-Api-Key&permission=a:b&permission=c/*&api_keys=test';
  expect(parseForwardQuestion(text)).toEqual({
    ok: true,
    value: {
      asked: {
        scope: ['a', 'b'],
        roles: ['x', 'y z'],
        permissions: ['a:b', 'c/*'],
        maxAgeSeconds: 60,
        acrValues: ['mfa', 'phr'],
      },
      tellsIdentity: true,
      passesPreflight: true,
      readsCookie: true,
      apiKeyHeader: 'x-api-key',
      takesTestKeys: true,
    },
  });
});

test.each([
  'scopes=a',
  'Scope=a',
  '__proto__=a',
  'scope=',
  'scope=a++b',
  'scope=a%22',
  'scope=a&scope=b',
  'role=',
  'role=%C3%BC',
  `role=${'a'.repeat(LIMITS.roleMax + 1)}`,
  'permission=',
  'permission=a b',
  `permission=${'a'.repeat(LIMITS.permissionMax + 1)}`,
  'api_keys=',
  'api_keys=live',
  'max_age=',
  'max_age=-1',
  'max_age=1.5',
  'max_age=60s',
  'max_age=1&max_age=2',
  'acr_values=',
  'acr_values=a++b',
  `acr_values=${Array.from({ length: LIMITS.acrValuesMax + 1 }, () => 'a').join('+')}`,
  `acr_values=${'a'.repeat(LIMITS.acrValueMax + 1)}`,
  'headers=all',
  'preflight=yes',
  'cookie=true',
  'api_key_header=',
  'api_key_header=a%20b',
  'api_key_header=Cookie',
  'api_key_header=Authorization',
  'api_key_header=X-Latchkey-Assertion',
  `api_key_header=${'a'.repeat(65)}`,
  Array.from({ length: LIMITS.rolesPerAccountMax + 1 }, () => 'role=a').join('&'),
  Array.from({ length: LIMITS.permissionsPerRoleMax + 1 }, () => 'permission=a').join('&'),
  `scope=${'a'.repeat(LIMITS.forwardedUriMax)}`,
])('forward_question_malformed: a slip of the pen asks for more, not for less: %.60s', (text) => {
  expect(parseForwardQuestion(text)).toEqual(malformed);
});
