import { hostileText } from '@latchkey/testkit/arbitraries/text';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { LIMITS } from './limits.ts';
import {
  commonHost,
  formActionSource,
  isAssuredRedirect,
  isCallableUri,
  isRegistrableRedirectUri,
  matchesRedirectUri,
  responseUri,
} from './redirect-uri.ts';

test.each([
  'https://a.example',
  'https://a.example/',
  'https://a.example/cb',
  'https://a.example/cb/',
  'https://a.example//cb',
  'https://a.example:8443/cb',
  'https://a.example?tenant=1',
  'https://a.example/cb?tenant=1&next=%2Fhome',
  'https://a.example/%63b',
  'https://a.example/.well-known/cb',
  'https://a.example/..cb',
  'https://192.0.2.1/cb',
  'https://[2001:db8::1]/cb',
  'http://127.0.0.1/cb',
  'http://127.0.0.1:8080/cb',
  'http://[::1]/cb',
  'http://localhost',
  'http://localhost:3000/cb',
])('RED-05 RFC 9700 §2.1: any client may register %s', (uri) => {
  expect([isRegistrableRedirectUri(uri, 'web'), isRegistrableRedirectUri(uri, 'native')]).toEqual([true, true]);
});

test.each([
  'com.example.app:/cb',
  'com.example.app://cb',
  'com.example.app:///cb',
  'com.example.app:/',
  'myapp:/cb',
  'my-app+2:/cb?x=1',
])('RED-06 RFC 8252 §7.1: only a native client may register %s', (uri) => {
  expect([isRegistrableRedirectUri(uri, 'web'), isRegistrableRedirectUri(uri, 'native')]).toEqual([false, true]);
});

const refused = (uri: string) =>
  expect([isRegistrableRedirectUri(uri, 'web'), isRegistrableRedirectUri(uri, 'native')]).toEqual([false, false]);

test.each(['https://a.example/cb#x', 'https://a.example/cb#', 'https://a.example/?x#', 'com.example.app:/cb#x', '#'])(
  'RED-04 OAuth 2.1: %j has a fragment',
  refused,
);

test.each([
  'http://a.example/cb',
  'http://localhost.evil/cb',
  'http://127.0.0.1.evil.example/cb',
  'http://127.0.0.1./cb',
  'http://localhost./cb',
  'http://127.0.0.2/cb',
  'http://127.1/cb',
  'http://2130706433/cb',
  'http://0x7f.0.0.1/cb',
  'http://0177.0.0.1/cb',
  'http://0.0.0.0/cb',
  'http://[::]/cb',
  'http://[0:0:0:0:0:0:0:1]/cb',
  'http://[::ffff:127.0.0.1]/cb',
])('RED-03, RED-05 RFC 8252 §8.3: %j is not this machine in its one spelling', refused);

test.each(
  `javascript data file blob vbscript about ws wss ftp mailto tel sms intent view-source filesystem jar chrome
  chrome-extension ms-msdt ms-settings web+x search-ms ldap ssh sip urn cid content resource android-app localhost c`
    .split(/\s+/)
    .flatMap((scheme) => [`${scheme}:/cb`, `${scheme}://cb`, `${scheme}:alert(1)`]),
)('RED-05 RFC 8252 §8.4: %j is of a scheme that no app owns', refused);

test.each([
  'JaVaScRiPt:alert(1)',
  'java\nscript:alert(1)',
  'java\tscript:alert(1)',
  ' javascript:alert(1)',
  '\u0001javascript:alert(1)',
  'javascript\n:alert(1)',
  'data:text/html,<script>alert(1)</script>',
  'javascript://a.example/%0aalert(1)',
  'vbscript:msgbox(1)',
])('RED-05 CVE-2026-9086, CVE-2024-21637: %j is a script', refused);

test.each([
  'https://a@evil.example/',
  'https://a@b@evil.example/',
  'https://@a.example/cb',
  'https://a:b@evil.example/',
  'https://:@a.example/cb',
  'http://127.0.0.1@evil.example/',
  'com.example.app://a@b/cb',
  'https://good.example\\@evil.example',
  'https://a.example\\cb',
])('RED-05 CVE-2026-7504: %j has user information or a backslash', refused);

test.each([
  'https://a.example/../cb',
  'https://a.example/x/./cb',
  'https://a.example/cb/..',
  'https://a.example/cb/.',
  'https://a.example/cb/..;/x',
  'https://a.example/cb/.;/x',
  'https://a.example/cb/%2e%2e/',
  'https://a.example/cb/%2E/',
  'https://a.example/cb/..%2f',
  'https://a.example/cb%2Fx',
  'https://a.example/cb%5cx',
  'com.example.app:/x/../cb',
])('RED-01 CVE-2026-3872: the path of %j may be read as another one', refused);

test.each([
  'HTTPS://a.example/cb',
  'https://A.example/cb',
  'https://a.example:443/cb',
  'https://a.example:/cb',
  'https://a.example:0443/cb',
  'http://127.0.0.1:80/cb',
  'https:a.example/cb',
  'https:/a.example/cb',
  'https:///a.example/cb',
  'https://%61.example/cb',
  'https://bücher.example/cb',
  'https://a.example/é',
  'https://a.example/<cb>',
  "https://a.example/?x='",
  'Com.example.app:/cb',
])('RED-01 RFC 9700 §2.1: %j is not as a URL parser writes it', refused);

test.each([
  '',
  '/cb',
  '//evil.example',
  '/\\evil.example',
  'cb',
  'https:',
  'https://',
  'https://a.example:99999/',
  'https://a b.example/',
  'https://*.example.com/cb',
  'https://a.example;script-src/cb',
  'https://a,b.example/cb',
  'https://a.example/c b',
  'https://a.example/cb\n',
  'https://a.example/c\tb',
  'https://a.example/cb\u0000',
  'https://a.example/cb\u007f',
  'https://a.example/cb%00',
  'https://a.example/cb?x=%0d%0aSet-Cookie:%20a',
  'https://a.example/cb%7F',
  'com.example.app:cb',
  'com.example.app:8080/cb',
  'com.example.app:',
  'urn:ietf:wg:oauth:2.0:oob',
  ':/cb',
  '1a:/cb',
])('RED-05: %j is no redirect URI', refused);

test.each([
  [LIMITS.redirectUriMax - 1, true],
  [LIMITS.redirectUriMax, true],
  [LIMITS.redirectUriMax + 1, false],
])('RED-05: a redirect URI of %d characters may be registered: %s', (length, isGood) => {
  expect(isRegistrableRedirectUri('https://a.example/'.padEnd(length, 'x'), 'web')).toBe(isGood);
});

test('RED-05: whatever the text, what may be registered is ASCII, has one spelling, and is no script', () => {
  const parts = fc.constantFrom(
    'https:',
    'http:',
    'app:',
    '/',
    '//',
    '@',
    ':',
    'a',
    '.',
    '..',
    '?',
    '#',
    '\\',
    '%2e',
    '[::1]',
  );
  const uris = fc.oneof(
    hostileText,
    fc.array(parts, { maxLength: 10 }).map((some) => some.join('')),
  );
  fc.assert(
    fc.property(uris, (text) => {
      if (!isRegistrableRedirectUri(text, 'native')) return;
      const url = new URL(text);
      expect([url.username, url.password, url.hash]).toEqual(['', '', '']);
      expect([text, text.replace(/^([^?]*)/, '$1/')]).toContain(url.href);
    }),
    { numRuns: 2000 },
  );
});

const both = (registered: string, asked: string) =>
  (['web', 'native'] as const).map((type) => matchesRedirectUri(registered, asked, type));

test.each([
  'https://a.example/cb/',
  'https://a.example/cb?x=1',
  'https://a.example/cb?',
  'https://a.example/cb#',
  'https://a.example/cb/../cb',
  'https://a.example/cb/..;/x',
  'https://a.example/cb/%2e%2e/',
  'https://a.example/cb/..%2f',
  'https://a.example/cb//..',
  'HTTPS://a.example/cb',
  'https://A.example/cb',
  'https://a.example:443/cb',
  'https://a.example:8443/cb',
  'https://a.example/%63b',
  'https://a.example/CB',
  'https://a.example./cb',
  'http://a.example/cb',
  'https://aXexample/cb',
  'https://a.example.evil/cb',
  'https://a.example@evil/cb',
  'https://a.example\\@evil/cb',
  'https://a.example/cb ',
  ' https://a.example/cb',
  'https://a.example/cb\n',
  'https://a.example/c',
  'https://a.example',
  '',
])('RED-01 RFC 9700 §2.1, §4.1.3: %j is not https://a.example/cb', (asked) => {
  expect(both('https://a.example/cb', asked)).toEqual([false, false]);
});

test('RED-01: a registered URI is no pattern', () => {
  expect(both('https://*.example/cb', 'https://a.example/cb')).toEqual([false, false]);
  expect(both('https://a.example/cb', 'https://a.example/cb')).toEqual([true, true]);
  expect(both('myapp:/cb', 'myapp:/cb')).toEqual([true, true]);
  expect(both('myapp://a:1/cb', 'myapp://a:2/cb')).toEqual([false, false]);
});

test.each([
  ['http://127.0.0.1/cb', 'http://127.0.0.1:51004/cb'],
  ['http://127.0.0.1:8080/cb?x=1', 'http://127.0.0.1:51004/cb?x=1'],
  ['http://127.0.0.1:8080/cb', 'http://127.0.0.1/cb'],
  ['http://127.0.0.1', 'http://127.0.0.1:1'],
  ['http://127.0.0.1?x', 'http://127.0.0.1:65534?x'],
  ['http://127.0.0.1', 'http://127.0.0.1:65535'],
  ['http://[::1]/cb', 'http://[::1]:51004/cb'],
])('RED-02 RFC 8252 §7.3: for %s the port of %s may differ', (registered, asked) => {
  expect(both(registered, asked)).toEqual([true, true]);
});

test.each([
  'http://127.0.0.1:51004/other',
  'http://127.0.0.1:51004/CB',
  'http://127.0.0.1:51004/cb/',
  'http://127.0.0.1:51004/cb?x=1',
  'http://127.0.0.1:51004/cb#',
  'http://127.0.0.1:51004/cb\n',
  'http://127.0.0.1:51004\\cb',
  'http://127.0.0.1:/cb',
  'http://127.0.0.1:0/cb',
  'http://127.0.0.1:080/cb',
  'http://127.0.0.1:65536/cb',
  'http://127.0.0.1:100000/cb',
  'http://127.0.0.1:1:2/cb',
  'http://127.0.0.1:x/cb',
  'http://127.0.0.1:51004@evil/cb',
  'http://127.0.0.1@evil/cb',
  'http://a@127.0.0.1:51004/cb',
  'http://127.0.0.1.evil.example/cb',
  'http://127.1:80/cb',
  'http://2130706433/cb',
  'http://127.0.0.2:80/cb',
  'http://[::1]/cb',
  'http://localhost:9999/cb',
  'https://127.0.0.1:51004/cb',
  'HTTP://127.0.0.1:51004/cb',
])('RED-02, RED-03 CVE-2020-15233: %j differs from http://127.0.0.1/cb in more than the port', (asked) => {
  expect(both('http://127.0.0.1/cb', asked)).toEqual([false, false]);
});

test('RED-03 RFC 8252 §8.3: localhost has the exception only for native apps, and other hosts have none', () => {
  expect(both('http://localhost/cb', 'http://localhost:9999/cb')).toEqual([false, true]);
  expect(both('http://localhost/cb', 'http://localhost.evil:9999/cb')).toEqual([false, false]);
  expect(both('http://localhost/cb', 'http://127.0.0.1/cb')).toEqual([false, false]);
  expect(both('http://a.example/cb', 'http://a.example:9999/cb')).toEqual([false, false]);
});

test.each([
  ['https://a.example/cb', 'https://a.example/cb?code=1&state=a+b'],
  ['https://a.example/cb?tenant=1', 'https://a.example/cb?tenant=1&code=1&state=a+b'],
  ['https://a.example/cb?a=%7e&b=%20+', 'https://a.example/cb?a=%7e&b=%20+&code=1&state=a+b'],
  ['https://a.example/cb?', 'https://a.example/cb?code=1&state=a+b'],
  ['https://a.example/cb?a&', 'https://a.example/cb?a&code=1&state=a+b'],
  ['https://a.example', 'https://a.example?code=1&state=a+b'],
  ['com.example.app:/cb', 'com.example.app:/cb?code=1&state=a+b'],
])('RED-07 OAuth 2.1: the query of %s is kept', (uri, expected) => {
  expect(
    responseUri(uri, [
      ['code', '1'],
      ['state', 'a b'],
    ]),
  ).toBe(expected);
  expect(responseUri(uri, [])).toBe(uri);
});

test('AUT-06 RFC 6749 §4.1.2: whatever the state, it comes back unchanged and adds no parameter', () => {
  fc.assert(
    fc.property(hostileText, (text) => {
      const state = text.toWellFormed();
      const url = new URL(responseUri('https://a.example/cb?x=1', [['state', state]]));
      expect([...url.searchParams]).toEqual([
        ['x', '1'],
        ['state', state],
      ]);
      expect([url.origin, url.pathname, url.hash]).toEqual(['https://a.example', '/cb', '']);
    }),
  );
});

test('RFC 8252 §8.6: only the owner of an https URI is assured', () => {
  const uris = ['https://a.example/cb', 'http://127.0.0.1/cb', 'com.example.app:/cb', 'https:a', 'httpsx://a'];
  expect(uris.map(isAssuredRedirect)).toEqual([true, false, false, false, false]);
});

test.each([
  ['https://a.example/cb?x=1', 'https://a.example'],
  ['https://a.example', 'https://a.example'],
  ['https://a.example?x', 'https://a.example'],
  ['https://a.example:8443/cb', 'https://a.example:8443'],
  ['http://127.0.0.1:51004/cb', 'http://127.0.0.1:51004'],
  ['http://[::1]:51004/cb', 'http:'],
  ['com.example.app:/cb', 'com.example.app:'],
  ['https://a.example;script-src *', 'https:'],
])('CSP3 §6.4.1: a form may end at %s by the source %s', (uri, source) => {
  expect(formActionSource(uri)).toBe(source);
});

const OWN = ['http://127.0.0.1:3000', 'http://app:8080', 'https://10.0.0.7'];

test.each([
  'https://a.example',
  'https://a.example/logout?a=1&b=%20',
  'https://a.example:8443/logout',
  'http://127.0.0.1:3000/logout?x',
  'http://app:8080',
  'https://10.0.0.7/logout',
])('LOGO-04 OIDC Back-Channel Logout §2.2: a client may be told of logouts at %s', (uri) => {
  expect(isCallableUri(uri, OWN)).toBe(true);
});

test.each([
  ['http', 'http://a.example/logout'],
  ['another port', 'http://127.0.0.1:3001/logout'],
  ['the same address in other words', 'http://localhost:3000/logout'],
  ['a fragment', 'https://a.example/logout#x'],
  ['an empty fragment', 'https://a.example/logout#'],
  ['a user', 'https://me@a.example/logout'],
  ['dot segments', 'https://a.example/a/../logout'],
  ['a default port', 'https://a.example:443/logout'],
  ['capitals', 'HTTPS://a.example/logout'],
  ['a backslash', 'https:\\\\a.example/logout'],
  ['a scheme of its own', 'com.example.app:/logout'],
  ['a file', 'file:///etc/passwd'],
  ['gopher', 'gopher://127.0.0.1:3000/'],
  ['a number for an address', 'https://2130706433/'],
  ['no URI', 'a.example'],
  ['nothing', ''],
])('LOGO-04: but not with %s: %s', (_, uri) => {
  expect(isCallableUri(uri, OWN)).toBe(false);
});

test.each([
  [LIMITS.redirectUriMax - 1, true],
  [LIMITS.redirectUriMax, true],
  [LIMITS.redirectUriMax + 1, false],
])('LOGO-04: one of %d characters: %s', (length, isAllowed) => {
  const uri = 'https://a.example/'.padEnd(length, 'x');
  expect(isCallableUri(uri, [])).toBe(isAllowed);
});

test.each([
  [['https://a.example/cb', 'https://a.example:8443/x?y'], 'a.example'],
  [['https://a.example/cb', 'https://b.example/cb'], undefined],
  [['https://a.example/cb', 'https://www.a.example/cb'], undefined],
  [['https://a.example/cb', 'com.example.app:/cb'], undefined],
  [['com.example.app:/cb'], undefined],
  [['http://localhost:3000/cb'], undefined],
  [['http://127.0.0.1/cb'], undefined],
  [['http://[::1]/cb'], undefined],
  [[], undefined],
])('OIDC-03 OIDC Core §8.1: the one host of %j is %s', (uris, host) => {
  expect(commonHost(uris)).toBe(host);
});
