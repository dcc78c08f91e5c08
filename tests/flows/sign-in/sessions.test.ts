import type { Client } from '@latchkey/domain/clients/client';
import { testClock } from '@latchkey/testkit/clock';
import {
  addRelyingParty,
  answerIn,
  authorizePath,
  createPageBrowser,
  goThrough,
  makePkce,
  type PageBrowser,
  redeem,
  requestOf,
} from '@latchkey/testkit/code-flow';
import { addAccount, PASSWORD, populate, read, type World } from '@latchkey/testkit/people';
import { form, startTestServer, type WithSecret } from '@latchkey/testkit/test-server';
import { afterAll, beforeAll, expect, test } from 'vitest';

const clock = testClock();
const SETTINGS = { sessionIdleSeconds: '600', sessionAbsoluteSeconds: '1200' };
let world: World;
let client: WithSecret<Client>;
beforeAll(async () => {
  world = await populate(await startTestServer({ now: clock.now, settings: SETTINGS }));
  await addAccount(world.at.server, 'bob');
  client = await addRelyingParty(world);
});
afterAll(() => world.at.close());

let visitors = 0;
const newBrowser = () => createPageBrowser(world.at, `198.51.100.${++visitors % 250}`);
const { challenge, verifier } = makePkce();
const visit = (browser: PageBrowser, more: Readonly<Record<string, string>> = {}) =>
  browser.get(authorizePath(requestOf(client.row, challenge, more)));
const through = async (browser: PageBrowser, more: Readonly<Record<string, string>> = {}, typed = {}) =>
  answerIn(await goThrough(browser, await visit(browser, more), typed));
const errorOf = async (browser: PageBrowser, more: Readonly<Record<string, string>> = {}) =>
  answerIn(await visit(browser, { prompt: 'none', ...more })).get('error');
const SESSION = '__Host-latchkey-session';

async function idToken(code: string | null) {
  world.at.secrets.add('authorization code', String(code));
  const { body } = await redeem(world, client, { code: String(code), code_verifier: verifier });
  return {
    text: String(body.id_token),
    claims: JSON.parse(Buffer.from(String(body.id_token).split('.')[1] ?? '', 'base64url').toString()),
  };
}

test('who is signed in and has allowed it is not asked again', async () => {
  const browser = newBrowser();
  await through(browser);
  const seen = await visit(browser);
  expect([seen.status, answerIn(seen).has('code')]).toEqual([303, true]);
});

test('OIDC-04 OIDC Core §3.1.2.6: prompt=none says what is wanting, and shows nothing', async () => {
  const browser = newBrowser();
  expect(await errorOf(browser)).toBe('login_required');
  await through(browser);
  expect(await errorOf(browser)).toBeNull();
  expect(await errorOf(browser, { scope: 'openid write' })).toBe('consent_required');
});

test('SES-02, OIDC-06 ASVS 7.2.4: prompt=login asks for the password, moves auth_time and changes the cookie', async () => {
  const browser = newBrowser();
  const before = await idToken((await through(browser)).get('code'));
  const cookie = browser.cookies.get(SESSION);
  clock.advance(30_000);
  const seen = await visit(browser, { prompt: 'login' });
  expect(seen.location).toMatch(/\/signin\?login=att_/);
  const after = await idToken(answerIn(await goThrough(browser, seen)).get('code'));
  expect([after.claims.sid, after.claims.auth_time]).toEqual([before.claims.sid, before.claims.auth_time + 30]);
  const old = newBrowser();
  old.cookies.set(SESSION, String(cookie));
  expect(await errorOf(old)).toBe('login_required');
});

test.each<[string, number, string | null]>([
  ['60', 60_000, null],
  ['60', 61_000, 'login_required'],
  ['0', 0, 'login_required'],
])('OIDC-06 OIDC Core §3.1.2.1: max_age=%s after %i ms', async (max_age, milliseconds, error) => {
  const browser = newBrowser();
  await through(browser);
  clock.advance(milliseconds);
  expect(await errorOf(browser, { max_age })).toBe(error);
});

test.each<[string, readonly number[], string | null]>([
  ['within the idle time', [599_999], null],
  ['after the idle time', [600_000], 'login_required'],
  ['as long as it is used', [500_000, 500_000], null],
  ['but not beyond its absolute end', [500_000, 500_000, 200_000], 'login_required'],
])('SES-04 ASVS 7.3.1: a session is good %s', async (_, waits, error) => {
  const browser = newBrowser();
  await through(browser);
  let seen: string | null = null;
  for (const wait of waits) {
    clock.advance(wait);
    seen = await errorOf(browser);
  }
  expect(seen).toBe(error);
});

test('OIDC-07 OIDC Core §3.1.2.1: a hint for somebody else', async () => {
  const [alice, bob] = [newBrowser(), newBrowser()];
  const { text } = await idToken((await through(alice)).get('code'));
  await through(bob, {}, { username: 'bob' });
  expect(await errorOf(bob, { id_token_hint: text })).toBe('login_required');
  expect(await errorOf(alice, { id_token_hint: text })).toBeNull();
});

test('whoever signs in as somebody else signs the first person out in this browser', async () => {
  const browser = newBrowser();
  const alice = await idToken((await through(browser)).get('code'));
  const chosen = await browser.get((await visit(browser, { prompt: 'select_account' })).location ?? '');
  const form = await browser.get((await browser.submit(chosen, { other: '1' })).location ?? '');
  const answer = await goThrough(browser, await browser.submit(form, { username: 'bob', password: PASSWORD }));
  const bob = await idToken(answerIn(answer).get('code'));
  expect(bob.claims.sub).not.toBe(alice.claims.sub);
  expect((await world.at.server.store.read.session(alice.claims.sid))?.ended?.reason).toBe('other_account_signed_in');
});

test('a form that is sent again because no answer came leaves one session, and the last cookie counts', async () => {
  const id = await addAccount(world.at.server, 'dora');
  const [browser, again] = [newBrowser(), newBrowser()];
  const page = await browser.get(String((await visit(browser)).location));
  for (const pair of browser.cookies) again.cookies.set(...pair);
  const typed = { username: 'dora', password: PASSWORD };
  for (const one of [browser, again]) expect((await one.submit(page, typed)).location).toMatch(/\/consent\?login=/);
  expect(await world.at.server.store.read.liveSessions(id, clock.now())).toHaveLength(1);
  expect(await errorOf(browser)).toBe('login_required');
  expect(await errorOf(again)).toBe('consent_required');
});

test('OIDC Core §3.1.2.1: prompt=select_account asks once, and goes on with who was chosen', async () => {
  const browser = newBrowser();
  await through(browser);
  const seen = await visit(browser, { prompt: 'select_account' });
  expect(seen.location).toMatch(/\/choose-account\?login=/);
  expect((await browser.get(seen.location ?? '')).text).toContain('alice');
  expect(answerIn(await goThrough(browser, seen)).has('code')).toBe(true);
});

test('PWD-11, PWD-16 ASVS 6.3.8: a wrong password, an unknown name and a disabled account look the same', async () => {
  const disabled = await addAccount(world.at.server, 'carol');
  await world.at.server.commit(
    () => Promise.resolve(),
    (_, { now }) => ({
      outcome: { ok: true, value: undefined },
      expects: [],
      writes: [{ kind: 'account.disable', id: disabled, at: now }],
    }),
  );
  const told: [number, string][] = [];
  for (const [username, password] of [
    ['alice', 'not the passphrase of anybody'],
    ['nobody', PASSWORD],
    ['carol', PASSWORD],
  ] as const) {
    const browser = newBrowser();
    const page = await browser.get((await visit(browser)).location ?? '');
    const seen = await browser.submit(page, { username, password });
    told.push([seen.status, seen.text.replaceAll(username, 'X').replace(/value="[^"]*"|login=\w+/g, '')]);
    expect(browser.cookies.has(SESSION)).toBe(false);
  }
  expect(new Set(told.map((each) => JSON.stringify(each))).size).toBe(1);
  expect(told[0]?.[0]).toBe(403);
});

test('SES-07: two session cookies mean that somebody planted one: neither counts', async () => {
  const browser = newBrowser();
  await through(browser);
  const headers = { cookie: `${SESSION}=${browser.cookies.get(SESSION)}; ${SESSION}=${'x'.repeat(43)}` };
  const answer = await world.at.fetch(authorizePath(requestOf(client.row, challenge, { prompt: 'none' })), { headers });
  expect(answer.headers.get('location')).toContain('login_required');
});

test('OIDC Core §12.2: signing in again elsewhere does not make the tokens of another login look fresh', async () => {
  const browser = newBrowser();
  const code = String((await through(browser)).get('code'));
  world.at.secrets.add('authorization code', code);
  const { body } = await redeem(world, client, { code, code_verifier: verifier });
  clock.advance(30_000);
  await through(browser, { prompt: 'login' });
  const fields = { grant_type: 'refresh_token', refresh_token: String(body.refresh_token) };
  const again = await read(await world.at.fetch('/oauth/token', form(fields, { authorization: client.basic })));
  const timeOf = (token: unknown) =>
    JSON.parse(Buffer.from(String(token).split('.')[1] ?? '', 'base64url').toString()).auth_time;
  expect([timeOf(again.body.id_token), timeOf(again.body.access_token)]).toEqual([
    timeOf(body.id_token),
    timeOf(body.access_token),
  ]);
});
