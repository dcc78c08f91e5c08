import type { Answered } from '@latchkey/testkit/people';
import type { RequestLike, Verifier } from '@latchkey/verifier';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type ApiWorld, bearer, startApi, untilRefused } from './api.ts';

let world: ApiWorld;
let verifier: Verifier;
let login: Answered;
beforeAll(async () => {
  world = await startApi({ cookie: true });
  ({ verifier } = world);
  login = await world.login({ delivery: 'cookie' }, page());
});
afterAll(() => world.close());

const page = () => ({ origin: world.at.issuer, 'sec-fetch-site': 'same-origin', 'x-latchkey-csrf': 'login' });
const cookies = ({ cookies: all }: Answered = login) =>
  Object.entries(all)
    .map(([name, value]) => `${name}=${value}`)
    .join('; ');
const csrf = () => String(login.cookies['__Host-latchkey-csrf']);
const request = (method: string, headers: Readonly<Record<string, string>>): RequestLike => ({
  method,
  header: (name) => headers[name],
});
async function answer(of: RequestLike, by = verifier): Promise<string> {
  const result = await by.authenticate(of);
  return result.ok ? result.value.claims.sub : result.error.error;
}
const changing = (more: Record<string, string | undefined> = {}) => {
  const headers = { cookie: cookies(), 'sec-fetch-site': 'same-origin', 'x-latchkey-csrf': csrf(), ...more };
  const given = Object.entries(headers).filter((entry): entry is [string, string] => entry[1] !== undefined);
  return request('POST', Object.fromEntries(given));
};

test('a page of the same host reads with its cookie alone, and changes with its CSRF token', async () => {
  expect(await answer(request('GET', { cookie: cookies() }))).toBe(world.accountId);
  expect(await answer(changing())).toBe(world.accountId);
});

describe('csrf_cookie_refused: CSRF-01, CSRF-02, CSRF-03 ASVS 3.5.1: what another page can make a browser send', () => {
  test.each([
    ['no header', { 'x-latchkey-csrf': undefined }],
    ['a guessed header', { 'x-latchkey-csrf': 'guessed' }],
    ['the header of a page on another site', { 'sec-fetch-site': 'cross-site' }],
    ['of a page on a neighbouring host', { 'sec-fetch-site': 'same-site' }],
    ['of a bookmark', { 'sec-fetch-site': 'none' }],
    ['no word of the site, and no origin', { 'sec-fetch-site': undefined }],
    [
      'no word of the site, and another origin',
      { 'sec-fetch-site': undefined, origin: 'https://evil.example', host: 'app.example' },
    ],
  ])('%s', async (_, more) => {
    const result = await verifier.authenticate(changing(more));
    expect(result).toEqual({
      ok: false,
      error: {
        error: 'csrf_cookie_refused',
        errorId: expect.stringMatching(/^api-/),
        status: 403,
        headers: { 'content-type': 'application/json', 'cache-control': 'no-store' },
        body: { error: 'access_denied', error_description: expect.any(String), error_id: expect.any(String) },
      },
    });
  });
});

test('a token in the header needs no guard, and counts before the cookie', async () => {
  const token = String((await world.login()).body.access_token);
  expect(await answer({ ...bearer(token, 'POST') })).toBe(world.accountId);
  expect(await answer(request('POST', { authorization: 'Bearer x', cookie: cookies() }))).toBe('token_malformed');
  expect(await answer(request('GET', { authorization: 'Bearer', cookie: cookies() }))).toBe('authorization_malformed');
});

test('without cookie: true no cookie is looked at', async () => {
  const strict = await world.addVerifier();
  expect(await answer(request('GET', { cookie: cookies() }), strict)).toBe('access_token_missing');
  expect(await answer(changing(), strict)).toBe('access_token_missing');
});

test('RSV-18 RFC 9111 §3.5: where cookies count, answers vary by them', async () => {
  const strict = await world.addVerifier();
  expect([verifier.caching, strict.caching]).toEqual([
    { cacheControl: 'private', vary: 'Authorization, Cookie' },
    { cacheControl: 'private', vary: 'Authorization' },
  ]);
});

test('a cookie of a login that has ended is refused', async () => {
  const mine = await world.login({ delivery: 'cookie' }, page());
  expect(await answer(request('GET', { cookie: cookies(mine) }))).toBe(world.accountId);
  const ended = await world.post(
    '/api/logout',
    {},
    {
      ...page(),
      cookie: cookies(mine),
      'x-latchkey-csrf': String(mine.cookies['__Host-latchkey-csrf']),
    },
  );
  expect(ended.status).toBeLessThan(300);
  await untilRefused(verifier, String(mine.cookies['__Host-latchkey-access']));
  expect(await answer(request('GET', { cookie: cookies(mine) }))).toBe('token_revoked');
});
