import type { Client } from '@latchkey/domain/clients/client';
import { testClock } from '@latchkey/testkit/clock';
import {
  addRelyingParty,
  answerIn,
  authorizePath,
  createPageBrowser,
  goThrough,
  hiddenIn,
  makePkce,
  type PageBrowser,
  redeem,
  requestOf,
} from '@latchkey/testkit/code-flow';
import { addAccount, populate, read, type World } from '@latchkey/testkit/people';
import { addResource, form, jsonBody, startTestServer, type WithSecret } from '@latchkey/testkit/test-server';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { refusalOf, refusedAs } from '../refusal.ts';

const clock = testClock();
const AFTER = 'https://rp.example/after?tenant=1';
let world: World;
let client: WithSecret<Client>;
beforeAll(async () => {
  world = await populate(await startTestServer({ now: clock.now }));
  await addAccount(world.at.server, 'bob');
  client = await addRelyingParty(world, { postLogoutRedirectUris: [AFTER] });
});
afterAll(() => world.at.close());

let visitors = 0;
const newBrowser = () => createPageBrowser(world.at, `198.51.100.${++visitors % 250}`);
const { challenge, verifier } = makePkce();

async function signedIn(username = 'alice', browser: PageBrowser = newBrowser()) {
  const first = await browser.get(authorizePath(requestOf(client.row, challenge, { scope: 'openid read' })));
  const code = String(answerIn(await goThrough(browser, first, { username })).get('code'));
  world.at.secrets.add('authorization code', code);
  const { body } = await redeem(world, client, { code, code_verifier: verifier });
  return {
    browser,
    idToken: String(body.id_token),
    refreshToken: String(body.refresh_token),
    accessToken: String(body.access_token),
  };
}
const logout = (browser: PageBrowser, fields: Readonly<Record<string, string>> = {}) =>
  browser.get(`/oauth/logout?${new URLSearchParams(fields).toString()}`);
const isSignedIn = async (browser: PageBrowser) =>
  answerIn(await browser.get(authorizePath(requestOf(client.row, challenge, { prompt: 'none' })))).has('code');
const refresh = async (refresh_token: string) =>
  (
    await world.at.fetch(
      '/oauth/token',
      form({ grant_type: 'refresh_token', refresh_token }, { authorization: client.basic }),
    )
  ).status;

test('LOGO-07 OIDC Back-Channel §2.7: a logout ends the session, its tokens and the cookie, and goes back with state', async () => {
  const { browser, idToken, refreshToken, accessToken } = await signedIn();
  const cookies = new Map(browser.cookies);
  const seen = await logout(browser, { id_token_hint: idToken, post_logout_redirect_uri: AFTER, state: 'a&b' });
  expect([seen.status, seen.location]).toEqual([303, `${AFTER}&state=a%26b`]);
  expect(browser.cookies.has('__Host-latchkey-session')).toBe(false);
  const old = newBrowser();
  for (const [name, value] of cookies) old.cookies.set(name, value);
  expect([await isSignedIn(browser), await isSignedIn(old), await refresh(refreshToken)]).toEqual([false, false, 400]);
  const said = await read(
    await world.at.fetch('/oauth/introspect', form({ token: accessToken }, { authorization: world.api.basic })),
  );
  expect(said.body.active).toBe(false);
});

test('LOGO-01 OIDC RP-Initiated Logout §2: without a hint, or with one of somebody else, the person is asked', async () => {
  const { idToken: ofBob } = await signedIn('bob');
  const { browser } = await signedIn();
  for (const fields of [{}, { id_token_hint: ofBob }, { id_token_hint: 'x.y.z' }, { client_id: client.row.id }]) {
    const page = await logout(browser, fields as Readonly<Record<string, string>>);
    expect([page.status, page.text.includes('alice'), await isSignedIn(browser)]).toEqual([200, true, true]);
  }
  const page = await logout(browser, { client_id: client.row.id, post_logout_redirect_uri: AFTER });
  for (const [fields, headers] of [
    [{ form_token: 'x' }, {}],
    [{}, { 'sec-fetch-site': 'cross-site' }],
  ] as const)
    expect((await browser.submit(page, { decision: 'sign-out', ...fields }, headers)).status).toBe(403);
  expect((await browser.submit(page, { decision: 'stay' })).location).toBe(`${world.at.issuer}/`);
  expect(await isSignedIn(browser)).toBe(true);
  expect((await browser.submit(page, { decision: 'sign-out' })).location).toBe(AFTER);
  expect(await isSignedIn(browser)).toBe(false);
});

test('LOGO-02 OIDC RP-Initiated Logout §2: an ID token that has expired is still a hint', async () => {
  const { browser, idToken } = await signedIn();
  clock.advance(2 * 3_600_000);
  expect((await logout(browser, { id_token_hint: idToken, post_logout_redirect_uri: AFTER })).location).toBe(AFTER);
});

test.each([
  'https://evil.example/',
  'https://rp.example/after',
  `${AFTER}&x=1`,
  '//evil.example',
  '/\\evil.example',
  'https:evil.example',
  'javascript:alert(1)',
  'https://rp.example@evil.example/',
  'https://rp.example/callback',
])('LOGO-03, RED-10 OIDC RP-Initiated Logout §3: %s was not registered, so nobody is sent there', async (uri) => {
  const { browser, idToken } = await signedIn();
  const seen = await logout(browser, { id_token_hint: idToken, post_logout_redirect_uri: uri });
  expect([seen.status, seen.location, seen.text.includes('evil')]).toEqual([200, undefined, false]);
  expect(await isSignedIn(browser)).toBe(false);
});

test('a client id that is not that of the hint makes neither count', async () => {
  const other = await addRelyingParty(world, { postLogoutRedirectUris: ['https://other.example/'] });
  const { browser, idToken } = await signedIn();
  const fields = {
    id_token_hint: idToken,
    client_id: other.row.id,
    post_logout_redirect_uri: 'https://other.example/',
  };
  const page = await logout(browser, fields);
  expect([page.status, page.location, await isSignedIn(browser)]).toEqual([200, undefined, true]);
});

test('OIDC RP-Initiated Logout §2: a request by POST goes on by GET, when the browser has its cookies', async () => {
  const { browser, idToken } = await signedIn();
  const fields = { id_token_hint: idToken, post_logout_redirect_uri: AFTER };
  const bounced = await browser.post('/oauth/logout', fields, { 'sec-fetch-site': 'cross-site' });
  expect(bounced.status).toBe(303);
  expect((await browser.get(bounced.location ?? '')).location).toBe(AFTER);
  expect((await browser.post('/oauth/logout', {})).location).toBe(`${world.at.issuer}/oauth/logout`);
});

test('with nobody signed in there is nothing to ask: back to the client with a hint, to a page without', async () => {
  const { browser, idToken } = await signedIn();
  await logout(browser, { id_token_hint: idToken });
  expect((await logout(browser, { id_token_hint: idToken, post_logout_redirect_uri: AFTER })).location).toBe(AFTER);
  const page = await logout(browser, { client_id: client.row.id, post_logout_redirect_uri: AFTER });
  expect([page.status, page.location, hiddenIn(page.text)]).toEqual([200, undefined, {}]);
});

test('AUT-18 ASVS 10.7.3: a person sees what they allowed, and takes it back with all that came of it', async () => {
  const { refreshToken, accessToken, browser } = await signedIn();
  const login = await world.login({ resource: world.at.issuer });
  const headers = { authorization: `Bearer ${login.body.access_token}` };
  const listed = await world.get('/api/consents', headers);
  expect(listed.body).toMatchObject({
    consents: [{ client_id: client.row.id, name: 'Relying party', scopes: ['openid', 'read'] }],
  });
  const withdraw = (id: string) => world.at.fetch(`/api/consents/${id}`, { method: 'DELETE', headers });
  expect((await withdraw('x')).status).toBe(404);
  expect((await withdraw(client.row.id)).status).toBe(204);
  expect((await withdraw(client.row.id)).status).toBe(404);
  expect(await refresh(refreshToken)).toBe(400);
  const said = await read(
    await world.at.fetch('/oauth/introspect', form({ token: accessToken }, { authorization: world.api.basic })),
  );
  expect(said.body.active).toBe(false);
  const silent = await browser.get(
    authorizePath(requestOf(client.row, challenge, { prompt: 'none', scope: 'openid read' })),
  );
  expect(answerIn(silent).get('error')).toBe('consent_required');
});

test('LOGO-07: a browser that was away for longer than the idle time still ends its session', async () => {
  const { browser, idToken, refreshToken } = await signedIn();
  clock.advance(25 * 3_600_000);
  expect(await isSignedIn(browser)).toBe(false);
  expect((await logout(browser, { id_token_hint: idToken, post_logout_redirect_uri: AFTER })).location).toBe(AFTER);
  expect(await refresh(refreshToken)).toBe(400);
});

test('a refresh token of somebody else’s client opens nothing at the first-party API', async () => {
  const open = await addRelyingParty(world, { authentication: 'none' });
  const browser = newBrowser();
  const first = await browser.get(authorizePath(requestOf(open.row, challenge)));
  const code = String(answerIn(await goThrough(browser, first)).get('code'));
  const { body } = await redeem(world, open, { code, code_verifier: verifier });
  for (const path of ['/api/logout', '/api/refresh'])
    expect(
      await refusalOf(world.at, await world.at.fetch(path, jsonBody({ refresh_token: body.refresh_token }))),
    ).toEqual(refusedAs('client_not_first_party'));
  expect(await isSignedIn(browser)).toBe(true);
});

test('AUT-14: what was allowed at one API does not count at another', async () => {
  const second = await addResource(world.at.server);
  const wide = await addRelyingParty(world, { resources: [world.api.row.identifier, second.row.identifier] });
  const browser = newBrowser();
  const ask = (resource: string, scope: string, prompt?: string) =>
    browser.get(authorizePath(requestOf(wide.row, challenge, { resource, scope, prompt })));
  await goThrough(browser, await ask(world.api.row.identifier, 'read'));
  await goThrough(browser, await ask(second.row.identifier, 'write'));
  expect(answerIn(await ask(world.api.row.identifier, 'write', 'none')).get('error')).toBe('consent_required');
  expect(answerIn(await ask(second.row.identifier, 'write', 'none')).has('code')).toBe(true);
});
