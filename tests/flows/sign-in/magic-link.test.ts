import { allow } from '@latchkey/domain/decision';
import type { Write } from '@latchkey/domain/write';
import type { NormalisedIdentifier } from '@latchkey/protocol/types';
import { answerIn, goThrough, redeem } from '@latchkey/testkit/code-flow';
import { addAccount } from '@latchkey/testkit/people';
import { linkIn, post } from '@latchkey/testkit/post';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { rowsOf } from '../refusal.ts';
import { INVALID, type MailWorld, startMailWorld, told, toldOf, wayIn } from './mail-world.ts';

let world: MailWorld;
beforeAll(async () => {
  world = await startMailWorld({ magicLink: 'on' });
});
afterAll(() => world.at.close());

let people = 0;
async function somebody() {
  const email = `person-${++people}@example.com`;
  return { email, name: `person-${people}`, id: await addAccount(world.at.server, [email, `person-${people}`]) };
}
const write = (...writes: readonly Write[]) =>
  world.at.server.commit(
    () => Promise.resolve(),
    () => allow(undefined, writes),
  );
/** Begins a sign-in and asks in it for a link. */
async function begun(email: string, more: Readonly<Record<string, string>> = {}) {
  const browser = world.browser();
  const signIn = await world.begin(browser, more);
  const sent = await world.ask(browser, wayIn(signIn, 'Sign in by a link'), email);
  return { browser, signIn, sent, link: linkIn((await post(world.at))[0]) };
}

test('PWD-13, NUM-14: a link signs in whoever asked for it, once, and the sign-in goes on', async () => {
  const { email, id } = await somebody();
  const { browser, link, sent } = await begun(email, { scope: 'openid email' });
  expect([sent.status, sent.location]).toEqual([303, `${world.at.issuer}/mailbox`]);
  const page = await browser.get(link);
  expect([page.status, page.text.includes(email)]).toEqual([200, true]);
  expect(page.headers.get('content-security-policy')).toContain("form-action 'self' https://rp.example;");
  const login = browser.cookies.get('__Host-latchkey-session');
  const answer = await goThrough(browser, await browser.submit(page, {}));
  expect(browser.cookies.get('__Host-latchkey-session')).not.toBe(login);
  const code = String(answerIn(answer).get('code'));
  world.at.secrets.add('authorization code', code);
  const { body } = await redeem(world, world.client, { code, code_verifier: world.pkce.verifier });
  const claims = JSON.parse(Buffer.from(String(body.id_token).split('.')[1] ?? '', 'base64url').toString());
  expect([claims.sub, claims.amr, claims.auth_time]).toEqual([id, ['otp'], Math.floor(world.clock.now() / 1000)]);
  const said = await world.get('/oauth/userinfo', { authorization: `Bearer ${body.access_token}` });
  expect(said.body).toMatchObject({ email, email_verified: true });
  expect([told(await browser.get(link)), told(await browser.submit(page, {}))]).toEqual([INVALID, INVALID]);
});

test('RFC 9700 §4.7: it works in the browser that asked for it only; elsewhere it stays as good as it was', async () => {
  const { email } = await somebody();
  const { browser, link } = await begun(email);
  const page = await browser.get(link);
  const other = world.browser();
  await world.begin(other);
  const elsewhere = toldOf('link_other_browser');
  const before = rowsOf(world.at);
  expect([told(await other.get(link)), told(await other.submit(page, {}))]).toEqual([elsewhere, elsewhere]);
  expect(told(await world.browser().submit(page, {}))).toEqual(elsewhere);
  expect([rowsOf(world.at), other.cookies.has('__Host-latchkey-session')]).toEqual([before, false]);
  expect((await other.get(link)).text).toContain('only in the browser');
  expect((await browser.submit(page, {})).status).toBe(303);
});

test('CSRF-03: a link of somebody else, opened by a page of another site, signs nobody in', async () => {
  const { email } = await somebody();
  const { browser, link } = await begun(email);
  const page = await browser.get(link);
  for (const [fields, headers] of [
    [{}, { 'sec-fetch-site': 'cross-site' }],
    [{ form_token: 'x' }, {}],
  ] as const)
    expect((await browser.submit(page, fields, headers)).status).toBe(403);
  expect(browser.cookies.has('__Host-latchkey-session')).toBe(false);
});

test.each([{ prompt: 'login' }, { max_age: '0' }])(
  'OIDC Core §3.1.2.1: a link is a sign-in now, as %j asks',
  async (more) => {
    const { email } = await somebody();
    const { browser, link } = await begun(email, more as Readonly<Record<string, string>>);
    const answer = await goThrough(browser, await browser.submit(await browser.get(link), {}));
    expect(answerIn(answer).has('code')).toBe(true);
  },
);

test('NUM-14, attack 8.21: it dies with its time, its login, its account and its address', async () => {
  const late = await somebody();
  const first = await begun(late.email);
  const page = await first.browser.get(first.link);
  world.clock.advance(600_000);
  expect(told(await first.browser.submit(page, {}))).toEqual(INVALID);

  const cancelled = await somebody();
  const second = await begun(cancelled.email);
  const kept = await second.browser.get(second.link);
  await second.browser.submit(second.signIn, { cancel: '1', username: '', password: '' });
  expect(told(await second.browser.submit(kept, {}))).toEqual(INVALID);

  const disabled = await somebody();
  const third = await begun(disabled.email);
  const open = await third.browser.get(third.link);
  await write({ kind: 'account.disable', id: disabled.id, at: world.clock.now() });
  expect(told(await third.browser.submit(open, {}))).toEqual(INVALID);

  const moved = await somebody();
  const fourth = await begun(moved.email);
  const last = await fourth.browser.get(fourth.link);
  await write({ kind: 'identifier.remove', normalised: moved.email as NormalisedIdentifier, accountId: moved.id });
  expect(told(await fourth.browser.submit(last, {}))).toEqual(INVALID);
});

test('PWD-12, attack 8.28: known, unknown and disabled get the same answer', async () => {
  const known = await somebody();
  const disabled = await somebody();
  await write({ kind: 'account.disable', id: disabled.id, at: world.clock.now() });
  const seen = [];
  for (const identifier of [known.email, known.name, 'nobody@example.com', 'nobody', disabled.email]) {
    const browser = world.browser();
    const page = await browser.get(wayIn(await world.begin(browser), 'Sign in by a link'));
    const before = await world.commits();
    const sent = await browser.submit(page, { identifier });
    const headers = [...sent.headers].map((pair) => pair.join(': ')).sort();
    seen.push(JSON.stringify([sent.status, sent.text, headers, (await world.commits()) - before]));
  }
  expect(new Set(seen).size).toBe(1);
  expect((await post(world.at)).map(({ to }) => to)).toEqual([known.email, known.email]);
});

test('a link is asked for in a sign-in only, and where the deployment offers it', async () => {
  const browser = world.browser();
  expect((await browser.get('/signin/link')).status).toBe(400);
  const page = await browser.get(wayIn(await world.begin(browser), 'Sign in by a link'));
  const sent = await browser.submit(page, { identifier: 'nobody@example.com', login: '' });
  expect(sent.status).toBe(403);
  await browser.get(wayIn(await world.begin(browser), 'Sign in by a link'));
  world.clock.advance(1_800_000);
  expect((await browser.submit(page, { identifier: 'nobody@example.com' })).status).toBe(400);
  const off = await startMailWorld();
  try {
    const visitor = off.browser();
    expect((await off.begin(visitor)).text).not.toContain('by a link');
    for (const path of ['/signin/link', '/links/sign-in'])
      expect([(await visitor.get(path)).status, (await visitor.post(path, {})).status]).toEqual([404, 404]);
  } finally {
    await off.at.close();
  }
});
