import { allow } from '@latchkey/domain/decision';
import type { Write } from '@latchkey/domain/write';
import type { NormalisedIdentifier } from '@latchkey/protocol/types';
import { answerIn, goThrough, hiddenIn, redeem } from '@latchkey/testkit/code-flow';
import { addAccount, PASSWORD } from '@latchkey/testkit/people';
import { linkIn, post } from '@latchkey/testkit/post';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { rowsOf } from '../refusal.ts';
import { INVALID, type MailWorld, startMailWorld, told, wayIn } from './mail-world.ts';

const NEW = 'another passphrase that nobody guesses';
let world: MailWorld;
beforeAll(async () => {
  world = await startMailWorld({ registration: 'open' });
});
afterAll(() => world.at.close());

let people = 0;
const anAddress = () => `newcomer-${++people}@example.com`;
const ownerOf = (name: string) => world.at.server.store.read.identifier(name as NormalisedIdentifier);
const write = (...writes: readonly Write[]) =>
  world.at.server.commit(
    () => Promise.resolve(),
    () => allow(undefined, writes),
  );
async function linkFor(email: string, browser = world.browser()) {
  await world.ask(browser, '/register', email);
  return linkIn((await post(world.at))[0]);
}
async function finish(link: string, typed: Readonly<Record<string, string>> = {}, browser = world.browser()) {
  const page = await browser.get(link);
  return page.status === 200 ? browser.submit(page, { password: NEW, username: '', ...typed }) : page;
}
const canSignIn = async (username: string) => (await world.login({ username, password: NEW })).status === 200;

test('PWD-12, PWD-13: whoever shows that an address is theirs has an account, and goes on with the sign-in', async () => {
  const email = anAddress();
  const browser = world.browser();
  const signIn = await world.begin(browser, { scope: 'openid email' });
  const sent = await world.ask(browser, wayIn(signIn, 'Create an account'), email);
  expect([sent.status, sent.location, await ownerOf(email)]).toEqual([303, `${world.at.issuer}/mailbox`, undefined]);
  const mails = await post(world.at);
  expect(mails.map(({ to, subject }) => [to, subject])).toEqual([[email, 'Confirm your address for Latchkey']]);
  const page = await browser.get(linkIn(mails[0]));
  expect([page.status, page.text.includes(email)]).toEqual([200, true]);
  expect(page.headers.get('content-security-policy')).toContain("form-action 'self' https://rp.example;");
  const done = await browser.submit(page, { username: `newcomer-${people}`, password: NEW });
  const answer = await goThrough(browser, done);
  const code = String(answerIn(answer).get('code'));
  world.at.secrets.add('authorization code', code);
  const { body } = await redeem(world, world.client, { code, code_verifier: world.pkce.verifier });
  const claims = JSON.parse(Buffer.from(String(body.id_token).split('.')[1] ?? '', 'base64url').toString());
  expect(claims.amr).toEqual(['pwd']);
  const said = await world.get('/oauth/userinfo', { authorization: `Bearer ${body.access_token}` });
  expect(said.body).toEqual({ sub: claims.sub, email, email_verified: true });
  expect([await canSignIn(email), await canSignIn(`newcomer-${people}`)]).toEqual([true, true]);
  const audit = await world.at.server.store.read.auditOf(claims.sub, 20);
  expect(audit.map(({ event, actor }) => [event, actor])).toEqual(
    expect.arrayContaining([
      ['account.created', claims.sub],
      ['session.authenticated', claims.sub],
    ]),
  );
});

test('a link that is opened in another browser makes the account, and signs nobody in', async () => {
  const email = anAddress();
  const browser = world.browser();
  const link = await linkFor(email, browser);
  const other = world.browser();
  await world.begin(other);
  const done = await finish(link, {}, other);
  expect([done.status, done.text.includes('Your account is ready')]).toEqual([200, true]);
  expect(other.cookies.has('__Host-latchkey-session')).toBe(false);
  expect(await canSignIn(email)).toBe(true);
});

test('PWD-12, attack 8.28: an address that somebody has, and one that nobody has, get the same answer', async () => {
  const taken = anAddress();
  await addAccount(world.at.server, taken);
  const disabled = anAddress();
  const id = await addAccount(world.at.server, disabled);
  await write({ kind: 'account.disable', id, at: world.clock.now() });
  const free = anAddress();
  const seen = [];
  for (const identifier of [taken, free, disabled]) {
    const browser = world.browser();
    const page = await browser.get('/register');
    const before = await world.commits();
    const sent = await browser.submit(page, { identifier });
    const headers = [...sent.headers].map((pair) => pair.join(': ')).sort();
    seen.push(JSON.stringify([sent.status, sent.text, headers, (await world.commits()) - before]));
  }
  expect(new Set(seen).size).toBe(1);
  const mails = await post(world.at);
  const of = (address: string) => mails.find(({ to }) => to === address);
  expect([of(taken)?.subject, of(free)?.subject]).toEqual([
    'You have an account at Latchkey',
    'Confirm your address for Latchkey',
  ]);
  expect(of(disabled)?.subject).toBe(of(taken)?.subject);
  expect(of(taken)?.text).toContain(`${world.at.issuer}/reset\n`);
  expect(() => linkIn(of(taken))).toThrow();
});

test('nothing is stored of an address before its owner used the link, but the link', async () => {
  const email = anAddress();
  const before = rowsOf(world.at);
  const link = await linkFor(email);
  const after = rowsOf(world.at);
  expect(Object.keys(after).filter((table) => JSON.stringify(after[table]) !== JSON.stringify(before[table]))).toEqual([
    'links',
  ]);
  for (let count = 0; count < 3; count++) await world.browser().get(link);
  expect(rowsOf(world.at)).toEqual(after);
});

test('PWD-12, attack 8.20: two who finish with one address, or with one name, make one account', async () => {
  const email = anAddress();
  const [first, second] = [await linkFor(email), await linkFor(email)];
  expect((await finish(first)).status).toBe(400);
  const pages = await Promise.all([1, 2, 3, 4].map(() => world.browser().get(second)));
  const done = await Promise.all(
    pages.map((page) =>
      world
        .browser()
        .submit(page, { password: NEW, username: '' })
        .then(({ status }) => status),
    ),
  );
  expect(done.sort((one, other) => one - other)).toEqual([200, 400, 400, 400]);

  const links = [await linkFor(anAddress()), await linkFor(anAddress())];
  const racing = await Promise.all(
    links.map((link) => finish(link, { username: 'the-same-name' }).then(({ status }) => status)),
  );
  expect(racing.sort((one, other) => one - other)).toEqual([200, 422]);
});

test('an address that somebody got in the meantime makes no second account, and the link is over', async () => {
  const email = anAddress();
  const link = await linkFor(email);
  await addAccount(world.at.server, email);
  expect(await finish(link).then(told)).toEqual(INVALID);
  expect((await world.browser().get(link)).status).toBe(400);
});

test.each([
  ['a name that somebody has', { username: 'alice' }, 'has this username already'],
  ['an address for a name', { username: 'eve@evil.example' }, 'begins with a letter'],
  ['a name with characters that none has', { username: 'a b' }, 'begins with a letter'],
  ['PWD-01: a short password', { password: 'fourteen chars' }, 'too short'],
  ['PWD-05: a password that is tried first', { password: 'password1234567' }, 'tried first'],
  ['PWD-02: a password that is too long', { password: 'x'.repeat(1_025) }, 'too long'],
] as const)('%s leaves the link unused, and the page says why', async (_, typed, told) => {
  const email = anAddress();
  const link = await linkFor(email);
  const browser = world.browser();
  const again = await finish(link, typed, browser);
  expect([again.status, again.text.includes('role="alert"'), again.text.includes(told)]).toEqual([422, true, true]);
  expect(await ownerOf(email)).toBeUndefined();
  expect((await browser.submit(again, { username: '', password: NEW })).status).toBe(200);
});

test('CSRF-01, CSRF-02, CSRF-03: an account is made by the form of our own page only', async () => {
  const link = await linkFor(anAddress());
  const browser = world.browser();
  const page = await browser.get(link);
  const before = rowsOf(world.at);
  for (const [fields, headers] of [
    [{}, { 'sec-fetch-site': 'cross-site' }],
    [{ form_token: 'x' }, {}],
  ] as const)
    expect((await browser.submit(page, { password: NEW, ...fields }, headers)).status).toBe(403);
  const { link_secret } = hiddenIn(page.text);
  for (const fields of [{}, { link_secret: '' }, { link_secret: 'x', form_token: 'x' }])
    expect((await browser.post('/links/register', fields as Readonly<Record<string, string>>)).status).toBe(400);
  expect((await browser.post('/links/reset', { link_secret: String(link_secret), password: NEW })).status).toBe(400);
  expect(rowsOf(world.at)).toEqual(before);
});

test('a name is no address to begin with', async () => {
  const sent = await world.ask(world.browser(), '/register', 'just-a-name');
  expect([sent.status, await post(world.at)]).toEqual([422, []]);
});

test('where registration is closed nothing speaks of it, and a link from before is of no use', async () => {
  const closed = await startMailWorld();
  try {
    const browser = closed.browser();
    expect((await closed.begin(browser)).text).not.toContain('Create an account');
    for (const path of ['/register', '/links/register', '/links/register?link_secret=x'])
      expect([(await browser.get(path)).status, (await browser.post(path, {})).status]).toEqual([404, 404]);
    expect((await browser.get('/reset')).status).toBe(200);
    expect((await closed.login({ password: PASSWORD })).status).toBe(200);
  } finally {
    await closed.at.close();
  }
});
