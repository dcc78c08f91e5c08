import { hostileText } from '@latchkey/testkit/arbitraries/text';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseForwardedRequest } from './forwarded-request.ts';
import { LIMITS } from './limits.ts';

const read = (headers: Readonly<Record<string, string>>, rest = '', method = 'GET') =>
  parseForwardedRequest({ method, rest, header: (name) => headers[name] });
const nginx = (uri: string, method = 'GET') => ({ 'x-original-method': method, 'x-original-uri': uri });
const traefik = (uri: string, method = 'GET') => ({ 'x-forwarded-method': method, 'x-forwarded-uri': uri });
const ok = (method: string, uri: string) => ({ ok: true, value: { method, uri } });
const refused = (error: string) => ({ ok: false, error });

test('nginx, Traefik, Caddy and Envoy say it each in its own way', () => {
  expect(read(nginx('/orders?page=2', 'POST'))).toEqual(ok('POST', '/orders?page=2'));
  expect(read(traefik('/orders?page=2', 'DELETE'))).toEqual(ok('DELETE', '/orders?page=2'));
  expect(read({}, '/orders?page=2', 'PATCH')).toEqual(ok('PATCH', '/orders?page=2'));
});

test.each([
  ['nothing', {}],
  ['a method only', { 'x-original-method': 'GET' }],
  ['a path only', { 'x-forwarded-uri': '/' }],
  ['one half of each', { 'x-original-method': 'GET', 'x-forwarded-uri': '/' }],
])('forwarded_request_missing: %s', (_, headers) => {
  expect(read(headers)).toEqual(refused('forwarded_request_missing'));
});

test('two forms that agree are one; a client that adds the other form cannot put its own in the place', () => {
  expect(read({ ...nginx('/a'), ...traefik('/a') })).toEqual(ok('GET', '/a'));
  expect(read({ ...nginx('/a'), 'x-forwarded-uri': '/a' }, '/a')).toEqual(ok('GET', '/a'));
});

test.each([
  ['another path', { ...nginx('/private'), ...traefik('/public') }, ''],
  ['another method', { ...nginx('/a', 'DELETE'), ...traefik('/a', 'GET') }, ''],
  ['half of another form', { ...nginx('/private'), 'x-forwarded-uri': '/public' }, ''],
  ['half of another form, a method', { ...nginx('/a'), 'x-forwarded-method': 'POST' }, ''],
  ['a header beside the path of the call', traefik('/public'), '/private'],
  ['half a header beside the path of the call', { 'x-original-method': 'HEAD' }, '/private'],
])('forwarded_request_ambiguous: %s', (_, headers, rest) => {
  expect(read(headers, rest)).toEqual(refused('forwarded_request_ambiguous'));
});

test.each([
  '/',
  '/orders/7',
  '/a.b/..c/c../.well-known/...',
  '/a;v=1/b',
  '/%E2%82%AC/a%20b/100%25',
  '/search?q=a/../b&next=%2Fhome%2e&x=\\',
  '/?',
  '/a//b',
  '/:colon@at',
  '/c%23/what%3F/a%3Bb/%40%5B%5D%60%7B%7D%7E/_%5F%3A',
  '/a..%3b/b',
])('one reading: %s', (uri) => {
  expect(read(nginx(uri))).toEqual(ok('GET', uri));
});

test.each([
  '/private/../public',
  '/..',
  '/.',
  '/./a',
  '/a/.',
  '/a/..;/b',
  '/a/..;x=1/b',
  '/a/.;/b',
  '/a/..;',
  '/a/..%3b/b',
  '/a/.%3Bx=1/b',
  '/a/..%253b',
  '/%61dmin',
  '/a/%41',
  '/a/%5a',
  '/a/%7A',
  '/a/%30',
  '/a/%39x',
  '/a/%2e%2e/b',
  '/a/%2E%2e%2fb',
  '/a/.%2e/b',
  '/%2e',
  '/a%2fb',
  '/a%2Fb',
  '/a%5cb',
  '/a%5Cb',
  '/a\\b',
  '/..\\a',
  '/a%252e%252e/b',
  '/a%25252fb',
  '/a%c0%ae%c0%ae/b',
  '/a%C1%9Cb',
  '/a%00',
  '/a%0d%0aset-cookie:x',
  '/a%1F',
  '/a%7f',
  '/a%',
  '/a%2',
  '/a%zz',
  '/a%u002e',
])('forwarded_path_refused, CVE-2026-3872: %j', (uri) => {
  expect(read(nginx(uri))).toEqual(refused('forwarded_path_refused'));
  expect(read({}, uri)).toEqual(refused('forwarded_path_refused'));
});

test.each([
  '',
  'orders',
  '*',
  '//evil.example/a',
  'https://evil.example/a',
  '/a b',
  '/a\tb',
  '/a\r\nb',
  '/a\u0000',
  '/\u007f',
  '/ü',
  '/a#b',
  '/a, /b',
  '/a?b c',
])('forwarded_request_malformed: the path %j', (uri) => {
  expect(read(nginx(uri))).toEqual(refused('forwarded_request_malformed'));
});

test.each(['', 'GET, GET', 'GE T', 'GET\n', 'GÉT', '(GET)'])('forwarded_request_malformed: the method %j', (method) => {
  expect(read(nginx('/', method))).toEqual(refused('forwarded_request_malformed'));
});

test('methods and paths are as long as they may be, and no longer', () => {
  const path = (length: number) => `/${'a'.repeat(length - 1)}`;
  expect(read(nginx(path(LIMITS.forwardedUriMax))).ok).toBe(true);
  expect(read(nginx(path(LIMITS.forwardedUriMax + 1)))).toEqual(refused('forwarded_request_malformed'));
  expect(read(nginx('/', 'A'.repeat(LIMITS.methodMax))).ok).toBe(true);
  expect(read(nginx('/', 'A'.repeat(LIMITS.methodMax + 1)))).toEqual(refused('forwarded_request_malformed'));
});

test('whatever passes is the same path for a URL parser, decoded or not', () => {
  const piece = fc.constantFrom('/', '.', '..', ';', '%2e', '%2f', '%5c', '\\', 'a', '%61', '%25', '?', '//', '%00');
  fc.assert(
    fc.property(
      fc.oneof(
        hostileText,
        fc.array(piece, { maxLength: 8 }).map((parts) => `/${parts.join('')}`),
      ),
      (uri) => {
        const result = read(nginx(uri));
        if (!result.ok || /["<>^`{}]/.test(uri)) return; // these a URL parser encodes
        const path = uri.replace(/\?.*/, '');
        expect(new URL(uri, 'https://a.example').pathname).toBe(path);
        const decoded = decodeURIComponentOrNothing(path);
        expect(decoded.split('/').some((segment) => /^\.{1,2}$/.test(segment))).toBe(false);
        expect(decoded.split('/').length).toBe(path.split('/').length);
      },
    ),
    { numRuns: 2_000 },
  );
});

const decodeURIComponentOrNothing = (text: string): string => {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
};
