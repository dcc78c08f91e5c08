import type { Client } from '@latchkey/domain/clients/client';
import {
  addRelyingParty,
  answerIn,
  authorizePath,
  CALLBACK,
  createPageBrowser,
  goThrough,
  hiddenIn,
  makePkce,
  requestOf,
} from '@latchkey/testkit/code-flow';
import { PASSWORD, populate, type World } from '@latchkey/testkit/people';
import { addClient, form, startTestServer, type WithSecret } from '@latchkey/testkit/test-server';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { refusalOf, refusedAs } from '../refusal.ts';

let world: World;
let client: WithSecret<Client>;
beforeAll(async () => {
  world = await populate(await startTestServer());
  client = await addRelyingParty(world);
});
afterAll(() => world.at.close());

let visitors = 0;
const newBrowser = () => createPageBrowser(world.at, `198.51.100.${++visitors % 250}`);
const { challenge } = makePkce();
const ask = (more: Readonly<Record<string, string | undefined>> = {}, of: Pick<Client, 'id'> = client.row) =>
  newBrowser().get(authorizePath(requestOf(of, challenge, more)));

const errorIn = (seen: Awaited<ReturnType<typeof ask>>) => answerIn(seen).get('error');

describe('before client and redirect URI are proven, there is a page and never a redirect', () => {
  test.each([
    ['an unknown client', { client_id: 'cli_01j00000000000000000000000' }],
    ['no client', { client_id: undefined }],
    ['a client id that is none', { client_id: '"><svg onload=x>' }],
    ['no redirect URI', { redirect_uri: undefined }],
    ['another path', { redirect_uri: 'https://rp.example/callback/' }],
    ['another query', { redirect_uri: `${CALLBACK}?x=1` }],
    ['dot segments', { redirect_uri: 'https://rp.example/x/../callback' }],
    ['another case', { redirect_uri: 'HTTPS://RP.EXAMPLE/callback' }],
    ['the default port', { redirect_uri: 'https://rp.example:443/callback' }],
    ['an encoded letter', { redirect_uri: 'https://rp.example/%63allback' }],
    ['user information', { redirect_uri: 'https://rp.example@evil.example/callback' }],
    ['a fragment', { redirect_uri: `${CALLBACK}#x` }],
    ['a script', { redirect_uri: 'javascript:alert(1)' }],
    ['form_post to elsewhere', { redirect_uri: 'https://evil.example/', response_mode: 'form_post' }],
  ])('ERR-01, RED-01, RED-04 OAuth 2.1: %s', async (_, more) => {
    const seen = await ask(more);
    expect([seen.status, seen.location, seen.headers.get('content-type')]).toEqual([
      400,
      undefined,
      'text/html; charset=utf-8',
    ]);
    expect(seen.text).not.toContain('<svg onload');
  });

  test('ENV-03 RFC 6749 §3.1: a repeated parameter is refused on a page', async () => {
    const path = `${authorizePath(requestOf(client.row, challenge))}&state=other`;
    const seen = await newBrowser().get(path);
    expect([seen.status, seen.location]).toEqual([400, undefined]);
  });
});

describe('ERR-02 RFC 6749 §4.1.2.1: from then on the client is told', () => {
  test.each([
    [
      'AUT-01 OAuth 2.1: a token is not given out by the browser',
      { response_type: 'token' },
      'unsupported_response_type',
    ],
    ['AUT-01 OIDC Core §3: neither is an ID token', { response_type: 'code id_token' }, 'unsupported_response_type'],
    ['AUT-03 RFC 6749 §3.3: a scope that the client may not have', { scope: 'openid admin' }, 'invalid_scope'],
    ['AUT-16 OAuth 2.1: no fragment', { response_mode: 'fragment' }, 'invalid_request'],
    [
      'PKCE-01 OAuth 2.1: no challenge',
      { code_challenge: undefined, code_challenge_method: undefined },
      'invalid_request',
    ],
    ['PKCE-02 RFC 7636 §4.3: plain', { code_challenge_method: 'plain' }, 'invalid_request'],
    ['PKCE-02 RFC 7636 §4.3: no method means plain', { code_challenge_method: undefined }, 'invalid_request'],
    ['PKCE-03 RFC 7636 §4.2: a challenge of 42 characters', { code_challenge: 'a'.repeat(42) }, 'invalid_request'],
    ['OIDC-05 OIDC Core §3.1.2.1: none with another prompt', { prompt: 'none login' }, 'invalid_request'],
    ['OIDC-04 OIDC Core §3.1.2.6: nobody is signed in', { prompt: 'none' }, 'login_required'],
    ['OIDC-10 OIDC Core §5.5: claims that are no JSON', { claims: '{' }, 'invalid_request'],
    ['RES-02 RFC 8707 §2: a resource of others', { resource: 'https://other.example' }, 'invalid_target'],
    ['ERR-03 OIDC Core §6: a request object', { request: 'e30.e30.' }, 'request_not_supported'],
    [
      'ERR-03 OIDC Core §6: a request by reference',
      { request_uri: 'https://rp.example/r' },
      'request_uri_not_supported',
    ],
    ['OIDC-07 OIDC Core §3.1.2.1: a hint that is no ID token', { id_token_hint: 'x.y.z' }, 'invalid_request'],
  ])('%s', async (_, more, error) => {
    const seen = await ask(more);
    expect([seen.status, errorIn(seen), answerIn(seen).get('iss'), answerIn(seen).get('state')]).toEqual([
      303,
      error,
      world.at.issuer,
      'the state',
    ]);
    expect(answerIn(seen).get('code')).toBeNull();
  });

  test('OIDC-10 OIDC Core §5.5.1.1: an essential acr that cannot be reached', async () => {
    const claims = JSON.stringify({ id_token: { acr: { essential: true, values: ['urn:none:such'] } } });
    expect(errorIn(await ask({ claims }))).toBe('unmet_authentication_requirements');
  });

  test('AUT-02 RFC 6749 §4.1.2.1: a client that may not use the code grant', async () => {
    const machine = await addClient(world.at.server, { redirectUris: [CALLBACK], scope: ['read'] });
    expect(errorIn(await ask({ scope: 'read' }, machine.row))).toBe('unauthorized_client');
  });

  test('ERR-03: a claimed registration', async () => {
    expect(errorIn(await ask({ registration: '{}' }))).toBe('registration_not_supported');
  });

  test('AUT-06 RFC 6749 §4.1.2: state comes back as it was, whatever it holds', async () => {
    const state = 'a b&c=é"<>%20#';
    expect(answerIn(await ask({ prompt: 'none', state })).get('state')).toBe(state);
  });

  test('ENV-05: an empty state counts as none', async () => {
    expect(answerIn(await ask({ prompt: 'none', state: '' })).has('state')).toBe(false);
  });
});

test('RED-07 RFC 6749 §3.1.2: the query of a redirect URI is kept, byte for byte', async () => {
  const uri = 'https://rp.example/cb?tenant=1&x=%41';
  const tenant = await addRelyingParty(world, { redirectUris: [uri] });
  const seen = await ask({ redirect_uri: uri, prompt: 'none' }, tenant.row);
  expect(seen.location?.startsWith(`${uri}&error=login_required`)).toBe(true);
});

test('RED-08 OAuth 2.1: the only redirect URI may be left out, but not where an ID token is asked for', async () => {
  expect(errorIn(await ask({ redirect_uri: undefined, scope: 'read', prompt: 'none' }))).toBe('login_required');
  expect((await ask({ redirect_uri: undefined, scope: 'openid' })).status).toBe(400);
});

test('RED-02, RED-03 RFC 8252 §7.3: of a loopback address only the port may differ', async () => {
  const native = await addRelyingParty(world, {
    authentication: 'none',
    applicationType: 'native',
    redirectUris: ['http://127.0.0.1/cb'],
  });
  const at = (redirect_uri: string) => ask({ redirect_uri, prompt: 'none' }, native.row);
  expect(errorIn(await at('http://127.0.0.1:51004/cb'))).toBe('login_required');
  for (const uri of ['http://127.0.0.1:51004/other', 'http://localhost:51004/cb', 'http://127.0.0.1.evil.example/cb'])
    expect([uri, (await at(uri)).status]).toEqual([uri, 400]);
});

test('AUT-11 RFC 8252 §8.6: a native client is asked about each time', async () => {
  const native = await addRelyingParty(world, {
    authentication: 'none',
    firstParty: true,
    applicationType: 'native',
    redirectUris: ['com.example.app:/cb'],
  });
  const browser = newBrowser();
  for (let time = 0; time < 2; time++) {
    const first = await browser.get(
      authorizePath(requestOf(native.row, challenge, { redirect_uri: 'com.example.app:/cb' })),
    );
    const signedIn = await browser.get(first.location ?? '');
    const page = /name="password"/.test(signedIn.text)
      ? await browser.get((await browser.submit(signedIn, { username: 'alice', password: PASSWORD })).location ?? '')
      : signedIn;
    expect(page.text).toContain('com.example.app:');
    const answer = await browser.submit(page, { decision: 'allow' });
    expect(answer.location).toMatch(/^com\.example\.app:\/cb\?code=/);
  }
});

test('AUT-04, CSRF-05 RFC 9207 §2: denial is told with iss, and a page of consent changes nothing by itself', async () => {
  const browser = newBrowser();
  const consent = await toConsent(browser);
  const answer = await browser.submit(consent, { decision: 'deny' });
  expect([errorIn(answer), answerIn(answer).get('iss')]).toEqual(['access_denied', world.at.issuer]);
  expect((await browser.submit(consent, { decision: 'allow' })).status).toBe(400);
});

test('cancelling at the sign-in page goes back to the client', async () => {
  const browser = newBrowser();
  const first = await browser.get(authorizePath(requestOf(client.row, challenge)));
  const page = await browser.get(first.location ?? '');
  expect(errorIn(await browser.submit(page, { cancel: '1' }))).toBe('access_denied');
});

async function toConsent(browser: ReturnType<typeof newBrowser>, more: Readonly<Record<string, string>> = {}) {
  const first = await browser.get(authorizePath(requestOf(client.row, challenge, { prompt: 'consent', ...more })));
  const page = await browser.get(first.location ?? '');
  const signedIn = await browser.submit(page, { username: 'alice', password: PASSWORD });
  return browser.get(signedIn.location ?? '');
}

test('AUT-14, CSRF-02 RFC 6819 §5.4: the consent form counts only from this page, for this browser and this login', async () => {
  const [browser, other] = [newBrowser(), newBrowser()];
  const consent = await toConsent(browser);
  const others = await toConsent(other);
  const fields = { ...hiddenIn(consent.text), decision: 'allow' };
  const token = String(hiddenIn(others.text).form_token);
  expect((await other.post('/consent', fields)).status).toBe(400);
  for (const [wrong, headers] of [
    [{ ...fields, form_token: token }, {}],
    [{ ...fields, form_token: '' }, {}],
    [fields, { 'sec-fetch-site': 'cross-site' }],
    [fields, { 'sec-fetch-site': 'same-site' }],
  ] as const)
    expect((await browser.post('/consent', wrong, headers)).status).toBe(403);
  const answer = await browser.post('/consent', { ...fields, scope: 'openid write admin' });
  expect(answerIn(answer).has('code')).toBe(true);
});

test('CSRF-01, CSRF-03 ASVS 3.5.1: without word on the site, the origin must be our own', async () => {
  const browser = newBrowser();
  const page = await browser.get((await browser.get(authorizePath(requestOf(client.row, challenge)))).location ?? '');
  const fields = { ...hiddenIn(page.text), username: 'alice', password: PASSWORD };
  const send = (headers: Readonly<Record<string, string>>) =>
    world.at.fetch(
      '/signin',
      form(fields, { cookie: [...browser.cookies].map((pair) => pair.join('=')).join('; '), ...headers }),
    );
  for (const origin of ['https://evil.example', 'null', `${world.at.issuer}.evil.example`])
    expect([origin, (await send({ origin })).status]).toEqual([origin, 403]);
  expect((await send({})).status).toBe(403);
  expect((await send({ origin: world.at.issuer })).status).toBe(303);
});

test('AUT-08 RFC 9700 §4.7: another browser cannot go on with a login', async () => {
  const first = await newBrowser().get(authorizePath(requestOf(client.row, challenge)));
  const victim = newBrowser();
  await victim.get(authorizePath(requestOf(client.row, challenge)));
  expect((await victim.get(first.location ?? '')).status).toBe(400);
  expect((await newBrowser().get(first.location ?? '')).status).toBe(400);
});

test('ENV-12, SES-01 RFC 9700 §4.12: after a password comes 303, and a cookie that only this host and no script may use', async () => {
  const browser = newBrowser();
  const page = await browser.get((await browser.get(authorizePath(requestOf(client.row, challenge)))).location ?? '');
  const answer = await browser.submit(page, { username: 'alice', password: PASSWORD });
  expect(answer.status).toBe(303);
  expect(answer.headers.getSetCookie().find((line) => line.startsWith('__Host-latchkey-session='))).toMatch(
    /^__Host-latchkey-session=[\w-]{43}; Path=\/; Secure; HttpOnly; SameSite=Lax; Max-Age=\d+$/,
  );
});

test('an authorization request by POST from another site goes on with the session of the browser', async () => {
  const browser = newBrowser();
  await goThrough(browser, await browser.get(authorizePath(requestOf(client.row, challenge))));
  const cookies = new Map(browser.cookies);
  const given = Object.entries(requestOf(client.row, challenge, { prompt: 'none' })) as [string, string][];
  // the form of another site comes without cookies that are Lax
  browser.cookies.clear();
  const kept = await browser.post('/oauth/authorize', Object.fromEntries(given), { 'sec-fetch-site': 'cross-site' });
  expect(kept.status).toBe(303);
  for (const [name, value] of cookies) if (!browser.cookies.has(name)) browser.cookies.set(name, value);
  expect(answerIn(await browser.get(kept.location ?? '')).has('code')).toBe(true);
});

test('AUT-17 OAuth form_post §2: the answer is a form that goes to the redirect URI and nowhere else', async () => {
  const browser = newBrowser();
  const seen = await goThrough(
    browser,
    await browser.get(authorizePath(requestOf(client.row, challenge, { response_mode: 'form_post' }))),
  );
  expect(hiddenIn(seen.text)).toEqual({
    code: expect.stringMatching(/^lk_ac_/),
    state: 'the state',
    iss: world.at.issuer,
  });
  const policy = seen.headers.get('content-security-policy');
  expect(policy).toContain("form-action 'self' https://rp.example;");
  expect(policy).toMatch(/script-src 'sha256-[^']+';/);
  expect(seen.headers.get('cache-control')).toBe('no-store');
});

test.each(['/signin', '/consent', '/choose-account', '/oauth/authorize'])(
  'AUT-10, AUT-15, HDR-01 RFC 9700 §4.16: the page %s cannot be framed, runs no script and tells nobody where it is',
  async (path) => {
    const seen = await newBrowser().get(path);
    const policy = seen.headers.get('content-security-policy') ?? '';
    for (const part of [
      "default-src 'none'",
      "script-src 'none'",
      "frame-ancestors 'none'",
      "base-uri 'none'",
      'form-action ',
    ])
      expect(policy).toContain(part);
    expect(policy).not.toContain('unsafe');
    expect([seen.headers.get('x-frame-options'), seen.headers.get('referrer-policy')]).toEqual(['DENY', 'no-referrer']);
    expect(seen.headers.get('cache-control')).toBe('no-store');
  },
);

test.each(['/oauth/authorize', '/signin', '/consent', '/choose-account'])(
  'AUT-09, CORS-01 OAuth 2.1: no page of another origin may read %s',
  async (path) => {
    const answer = await world.at.fetch(path, { method: 'OPTIONS', headers: { origin: world.origin } });
    expect(answer.headers.get('access-control-allow-origin')).toBeNull();
    const read = await world.at.fetch(path, { headers: { origin: world.origin } });
    expect(read.headers.get('access-control-allow-origin')).toBeNull();
  },
);

test('AUT-12, HDR-02 ASVS 10.7.2: what a client calls itself is text on every page', async () => {
  const name = '"><svg onload=x>\u202Egpj.exe';
  const hostile = await addRelyingParty(world, { name });
  const browser = newBrowser();
  const page = await browser.get(
    (await browser.get(authorizePath(requestOf(hostile.row, challenge, { login_hint: name })))).location ?? '',
  );
  const consent = await browser.get(
    (await browser.submit(page, { username: 'alice', password: PASSWORD })).location ?? '',
  );
  for (const { text } of [page, consent]) {
    expect(text).not.toContain('<svg');
    expect(text).not.toContain('\u202E');
  }
  expect(consent.text).toContain('rp.example');
});

test('what is refused on a page is found in the log under its cause', async () => {
  const get = async (path: string) => refusalOf(world.at, await world.at.fetch(path));
  const path = (more: Readonly<Record<string, string | undefined>>) =>
    authorizePath(requestOf(client.row, challenge, more));
  expect(await get(path({ redirect_uri: 'https://evil.example/' }))).toEqual(refusedAs('redirect_uri_unregistered'));
  expect(await get(path({ redirect_uri: undefined }))).toEqual(refusedAs('redirect_uri_missing'));
  expect(await get('/signin?login=att_01j00000000000000000000000')).toEqual(refusedAs('authorization_request_unknown'));
  const browser = newBrowser();
  const page = await browser.get((await browser.get(path({}))).location ?? '');
  const refused = await browser.submit(page, { form_token: 'x' });
  expect(refused.status).toBe(403);
  const causes = world.at.logged.filter((line) => line.includes('"error":"form_refused"'));
  expect(causes.length).toBeGreaterThan(0);
  await ask({ id_token_hint: 'x.y.z' });
  expect(world.at.logged.at(-1)).toContain('"error":"id_token_hint_invalid"');
});

test('ENV-11: logins that wait are rows, and one address may begin so many a minute', async () => {
  const browser = createPageBrowser(world.at, '203.0.113.77');
  const statuses = new Set<number>();
  for (let count = 0; count < 200 && !statuses.has(429); count++)
    statuses.add((await browser.get(authorizePath(requestOf(client.row, challenge)))).status);
  expect([...statuses]).toEqual([303, 429]);
  const silent = await browser.get(authorizePath(requestOf(client.row, challenge, { prompt: 'none' })));
  expect(errorIn(silent)).toBe('login_required');
});
