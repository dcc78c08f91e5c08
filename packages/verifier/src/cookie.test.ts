import { describe, expect, test } from 'vitest';
import { tokenOfCookie } from './cookie.ts';

const TOKEN = '__Host-latchkey-access=the-token';
const CSRF = '__Host-latchkey-csrf=the-value';
const BOTH = `${TOKEN}; ${CSRF}`;

const read = (method: string, headers: Readonly<Record<string, string>>) => {
  const result = tokenOfCookie({ method, header: (name) => headers[name] });
  return result.ok ? (result.value ?? 'none') : result.error;
};
const REFUSED = 'csrf_cookie_refused';

describe('which cookie is the token', () => {
  test.each([
    ['no cookie', {}, 'none'],
    ['another one', { cookie: 'session=1' }, 'none'],
    ['ours', { cookie: TOKEN }, 'the-token'],
    ['ours among others', { cookie: `a=1; ${TOKEN};b=2` }, 'the-token'],
    ['one whose name only begins so', { cookie: '__Host-latchkey-access2=x' }, 'none'],
    ['one without the prefix that browsers guard', { cookie: 'latchkey-access=x' }, 'none'],
    ['the name in other letters', { cookie: '__host-latchkey-access=x' }, 'none'],
    ['two of one name: one of them was planted', { cookie: `${TOKEN}; __Host-latchkey-access=other` }, 'none'],
    ['two headers, joined', { cookie: `a=1; ${TOKEN}` }, 'the-token'],
  ])('%s', (_, headers, expected) => {
    expect(read('GET', headers)).toBe(expected);
  });
});

describe('ASVS 3.5.1: a request that may change something proves that it comes from a page of this origin', () => {
  const own = { cookie: BOTH, 'x-latchkey-csrf': 'the-value', host: 'app.example' };
  test.each([
    ['GET', 'the-token'],
    ['HEAD', 'the-token'],
    ['OPTIONS', 'the-token'],
    ['POST', REFUSED],
    ['PUT', REFUSED],
    ['PATCH', REFUSED],
    ['DELETE', REFUSED],
    ['PROPFIND', REFUSED],
    ['get', REFUSED],
    ['', REFUSED],
  ])('%s with nothing but the cookies', (method, expected) => {
    expect(read(method, { cookie: BOTH })).toBe(expected);
  });

  test.each([
    ['same-origin', {}, 'the-token'],
    ['same-site', {}, REFUSED],
    ['cross-site', {}, REFUSED],
    ['none', {}, REFUSED],
    ['Same-Origin', {}, REFUSED],
    ['', {}, REFUSED],
    [
      'cross-site, whatever the origin says',
      { 'sec-fetch-site': 'cross-site', origin: 'https://app.example' },
      REFUSED,
    ],
    ['same-origin, whatever the origin says', { 'sec-fetch-site': 'same-origin', origin: 'null' }, 'the-token'],
  ])('by the browser’s word: %s', (site, more, expected) => {
    expect(read('POST', { ...own, 'sec-fetch-site': site, ...more })).toBe(expected);
  });

  test.each([
    ['https://app.example', 'app.example', 'the-token'],
    ['http://app.example', 'app.example', 'the-token'],
    ['http://localhost:3000', 'localhost:3000', 'the-token'],
    ['https://app.example', 'app.example:8443', REFUSED],
    ['https://app.example.evil.example', 'app.example', REFUSED],
    ['https://evil.example', 'app.example', REFUSED],
    ['https://app.example/', 'app.example', REFUSED],
    ['null', 'app.example', REFUSED],
    ['', '', REFUSED],
    [undefined, 'app.example', REFUSED],
    ['https://app.example', undefined, REFUSED],
    [undefined, undefined, REFUSED],
  ])('by origin and host, of browsers that say nothing of the site: %s at %s', (origin, host, expected) => {
    const headers = { cookie: BOTH, 'x-latchkey-csrf': 'the-value' };
    const more = { ...(origin === undefined ? {} : { origin }), ...(host === undefined ? {} : { host }) };
    expect(read('POST', { ...headers, ...more })).toBe(expected);
  });

  test.each([
    ['the value', BOTH, 'the-value', 'the-token'],
    ['no header', BOTH, undefined, REFUSED],
    ['another value', BOTH, 'the-valuf', REFUSED],
    ['a part of it', BOTH, 'the-valu', REFUSED],
    ['no cookie', TOKEN, 'the-value', REFUSED],
    ['neither', TOKEN, undefined, REFUSED],
    ['an empty cookie and an empty header', `${TOKEN}; __Host-latchkey-csrf=`, '', REFUSED],
    ['two cookies', `${BOTH}; __Host-latchkey-csrf=other`, 'other', REFUSED],
  ])('the header repeats the CSRF cookie: %s', (_, cookie, header, expected) => {
    const csrf = header === undefined ? {} : { 'x-latchkey-csrf': header };
    expect(read('POST', { cookie, 'sec-fetch-site': 'same-origin', ...csrf })).toBe(expected);
  });

  test('without a token in a cookie there is nothing to guard', () => {
    expect(read('POST', { cookie: CSRF, 'sec-fetch-site': 'cross-site' })).toBe('none');
  });
});
