import type { PageBrowser, Visited } from '@latchkey/testkit/code-flow';
import { generateKeyPair, SignJWT } from 'jose';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Plan, startPlan } from './plan.ts';

// oidcc-rp-initiated-logout-certification-test-plan

const AFTER = 'https://rp.example/after';
let plan: Plan;
beforeAll(async () => {
  plan = await startPlan({}, { postLogoutRedirectUris: [AFTER] });
});
afterAll(() => plan.close());

async function signedIn() {
  const browser = plan.newBrowser();
  const tokens = await plan.tokens(browser);
  const { claims, header } = await plan.prove(tokens);
  expect(await isSignedIn(browser)).toBe(true);
  return { browser, claims, header, idToken: String(tokens.body.id_token) };
}
const isSignedIn = async (browser: PageBrowser) =>
  'code' in plan.answerOf(await plan.visit(browser, { prompt: 'none' }));
const logout = (browser: PageBrowser, fields: Readonly<Record<string, string>>) =>
  browser.get(`/oauth/logout?${new URLSearchParams(fields).toString()}`);

/** A page that asks the person, and goes nowhere either way. */
async function expectAsked(browser: PageBrowser, page: Visited) {
  expect([page.status, page.location, await isSignedIn(browser)]).toEqual([200, undefined, true]);
  const after = await browser.submit(page, { decision: 'sign-out' });
  expect(after.location ?? '').not.toContain('rp.example');
  expect(await isSignedIn(browser)).toBe(false);
}

test('oidcc-rp-initiated-logout-discovery-endpoint-verification: the document names the endpoint', async () => {
  const { issuer } = plan.world.at;
  const { body } = await plan.world.get('/.well-known/openid-configuration', {});
  expect([body.issuer, body.end_session_endpoint]).toEqual([issuer, `${issuer}/oauth/logout`]);
});

test('oidcc-rp-initiated-logout: the browser comes back with state, and prompt=none then fails', async () => {
  const { browser, idToken } = await signedIn();
  const fields = { id_token_hint: idToken, post_logout_redirect_uri: AFTER, state: 'the state' };
  const seen = await logout(browser, fields);
  expect([seen.status, seen.location]).toEqual([303, `${AFTER}?state=the+state`]);
  expect(plan.answerOf(await plan.visit(browser, { prompt: 'none' })).error).toBe('login_required');
});

test.each([
  [
    'oidcc-rp-initiated-logout-bad-post-logout-redirect-uri: nobody is sent to a URI that is not registered',
    'https://rp.example/elsewhere',
  ],
  [
    'oidcc-rp-initiated-logout-query-added-to-post-logout-redirect-uri: nor to one with a query added',
    `${AFTER}?foo=bar`,
  ],
])('%s', async (_, uri) => {
  const { browser, idToken } = await signedIn();
  const seen = await logout(browser, { id_token_hint: idToken, post_logout_redirect_uri: uri, state: 'the state' });
  expect([seen.status, seen.location]).toEqual([200, undefined]);
});

test('oidcc-rp-initiated-logout-modified-id-token-hint: a hint without a signature is none', async () => {
  const { browser, idToken } = await signedIn();
  const header = Buffer.from(JSON.stringify({ alg: 'none' })).toString('base64url');
  const hint = `${header}.${idToken.split('.')[1]}.`;
  const seen = await logout(browser, { id_token_hint: hint, post_logout_redirect_uri: AFTER, state: 'the state' });
  await expectAsked(browser, seen);
});

test('oidcc-rp-initiated-logout-bad-id-token-hint: a hint that somebody else signed is none', async () => {
  const { browser, claims, header } = await signedIn();
  const { privateKey } = await generateKeyPair('RS256');
  const { kid } = header;
  const hint = await new SignJWT(claims).setProtectedHeader({ alg: 'RS256', ...(kid ? { kid } : {}) }).sign(privateKey);
  const seen = await logout(browser, { id_token_hint: hint, post_logout_redirect_uri: AFTER, state: 'the state' });
  await expectAsked(browser, seen);
});

test('oidcc-rp-initiated-logout-no-id-token-hint: a URI without a hint gets the person asked', async () => {
  const { browser } = await signedIn();
  await expectAsked(browser, await logout(browser, { post_logout_redirect_uri: AFTER, state: 'the state' }));
});

test('oidcc-rp-initiated-logout-no-params: without parameters the person is asked, and then signed out', async () => {
  const { browser } = await signedIn();
  await expectAsked(browser, await logout(browser, {}));
});

test('oidcc-rp-initiated-logout-no-post-logout-redirect-uri: with a hint only, the server shows its own page', async () => {
  const { browser, idToken } = await signedIn();
  const seen = await logout(browser, { id_token_hint: idToken });
  expect([seen.status, seen.location, await isSignedIn(browser)]).toEqual([200, undefined, false]);
});

test('oidcc-rp-initiated-logout-no-state: where no state was sent, none comes back', async () => {
  const { browser, idToken } = await signedIn();
  const seen = await logout(browser, { id_token_hint: idToken, post_logout_redirect_uri: AFTER });
  expect([seen.location, await isSignedIn(browser)]).toEqual([AFTER, false]);
});

test('oidcc-rp-initiated-logout-only-state: with a state only the person is asked, and then signed out', async () => {
  const { browser } = await signedIn();
  await expectAsked(browser, await logout(browser, { state: 'the state' }));
});
