import { allow } from '@latchkey/domain/decision';
import type { Write } from '@latchkey/domain/write';
import { LIMITS } from '@latchkey/protocol/limits';
import { type AccountId, later, type NormalisedIdentifier } from '@latchkey/protocol/types';
import { askToVerify } from '@latchkey/server/login/ask-for-mail';
import { codeFlow, goThrough } from '@latchkey/testkit/code-flow';
import { addAccount } from '@latchkey/testkit/people';
import { linkIn, post } from '@latchkey/testkit/post';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { rowsOf } from '../refusal.ts';
import { INVALID, type MailWorld, startMailWorld, told, toldOf } from './mail-world.ts';

let world: MailWorld;
beforeAll(async () => {
  world = await startMailWorld();
});
afterAll(() => world.at.close());

let people = 0;
async function somebody(more: readonly string[] = []) {
  const name = `person-${++people}`;
  const email = `${name}@example.com`;
  return signedIn(await addAccount(world.at.server, [name, email, ...more]), name, email);
}
/** Somebody with the browser in which they are signed in. */
async function signedIn(id: AccountId, name: string, email: string) {
  const browser = world.browser();
  await goThrough(browser, await browser.get('/account'), { username: name });
  const [session] = await world.at.server.store.read.liveSessions(id, world.clock.now());
  if (session === undefined) throw new Error('nobody is signed in');
  return { id, name, email, browser, sessionId: session.id };
}
type Person = Awaited<ReturnType<typeof signedIn>>;
const ownerOf = (name: string) => world.at.server.store.read.identifier(name as NormalisedIdentifier);
const write = (...writes: readonly Write[]) =>
  world.at.server.commit(
    () => Promise.resolve(),
    () => allow(undefined, writes),
  );

/** What a page of the account does when its owner wants an address verified. */
const ask = ({ id: accountId, sessionId }: Pick<Person, 'id' | 'sessionId'>, address: string, from?: string) => {
  const url = new URL(world.at.issuer);
  const visitor = from ?? `192.0.2.${(++people % 250) + 1}`;
  const call = { request: new Request(url), url, params: {}, address: visitor, isFromProxy: false, target: undefined };
  return askToVerify({ accountId, sessionId, address, language: 'en' }, call, world.at.server);
};
async function linkFor(person: Person, address: string) {
  expect(await ask(person, address)).toEqual({ ok: true, value: undefined });
  return linkIn((await post(world.at))[0]);
}
async function confirm(link: string, { browser }: Pick<Person, 'browser'>) {
  const page = await browser.get(link);
  return page.status === 200 ? browser.submit(page, {}) : page;
}

test('PWD-13, NUM-14: an address that an account has is verified by whoever reads it, once, and clients are told so', async () => {
  const person = await somebody();
  const { id, email, browser } = person;
  const link = await linkFor(person, email);
  const page = await browser.get(link);
  expect([page.status, page.text.includes(email), (await ownerOf(email))?.verifiedAt]).toEqual([200, true, undefined]);
  const done = await confirm(link, person);
  expect([done.status, done.text.includes('Your address is confirmed')]).toEqual([200, true]);
  expect((await ownerOf(email))?.verifiedAt).toBe(world.clock.now());
  expect(told(await confirm(link, person))).toEqual(INVALID);
  const audit = await world.at.server.store.read.auditOf(id, 5);
  expect(audit.map(({ event }) => event)).toContain('identifier.verified');
  // nothing to do any more: no mail
  await ask(person, email);
  expect(await post(world.at)).toEqual([]);
});

test('OIDC Core §5.1: UserInfo and ID token tell the address that is verified, and whether it is', async () => {
  await write({
    kind: 'identifier.add',
    identifier: {
      accountId: world.accountId,
      kind: 'email',
      normalised: 'a-first@example.com' as NormalisedIdentifier,
      display: 'A-First@example.com',
      verifiedAt: undefined,
    },
  });
  const userinfo = async () => {
    const { body } = await codeFlow(world, world.client, { scope: 'openid email' });
    return (await world.get('/oauth/userinfo', { authorization: `Bearer ${body.access_token}` })).body;
  };
  expect(await userinfo()).toEqual({
    sub: world.accountId,
    email: 'A-First@example.com',
    email_verified: false,
  });
  const alice = await signedIn(world.accountId, 'alice', 'a-first@example.com');
  await confirm(await linkFor(alice, 'Z-Second@example.com'), alice);
  expect(await userinfo()).toEqual({ sub: world.accountId, email: 'Z-Second@example.com', email_verified: true });
  await post(world.at);
});

test('ASVS 6.3.7: an address that nobody has is added, and the other addresses of the account are told', async () => {
  const person = await somebody();
  const { id, email } = person;
  const address = `added-${people}@example.org`;
  const link = await linkFor(person, address);
  expect(await ownerOf(address)).toBeUndefined();
  expect((await confirm(link, person)).status).toBe(200);
  expect(await ownerOf(address)).toMatchObject({ accountId: id, verifiedAt: world.clock.now() });
  expect((await post(world.at)).map(({ to, subject }) => [to, subject])).toEqual([
    [email, 'An address was added to your account at Latchkey'],
  ]);
  expect((await world.login({ username: address })).status).toBe(200);
});

test('an address that somebody else has, or gets in the meantime, is not taken from them', async () => {
  const [one, other] = [await somebody(), await somebody()];
  await ask(one, other.email);
  expect(await post(world.at)).toEqual([]);
  const address = `wanted-${people}@example.org`;
  const link = await linkFor(one, address);
  const owner = await addAccount(world.at.server, address);
  expect(told(await confirm(link, one))).toEqual(INVALID);
  expect(await ownerOf(address)).toMatchObject({ accountId: owner, verifiedAt: undefined });
  expect((await world.browser().get(link)).status).toBe(400);
});

test('CVE-2022-23555, attack 8.20: it dies with its time, with a newer one and with its account', async () => {
  const person = await somebody();
  const early = await linkFor(person, `early-${people}@example.org`);
  world.clock.advance(600_000);
  expect(told(await confirm(early, person))).toEqual(INVALID);
  const first = await linkFor(person, `first-${people}@example.org`);
  const second = await linkFor(person, `second-${people}@example.org`);
  expect([told(await confirm(first, person)), (await confirm(second, person)).status]).toEqual([INVALID, 200]);
  const third = await linkFor(person, `third-${people}@example.org`);
  await write({ kind: 'account.disable', id: person.id, at: world.clock.now() });
  expect(told(await confirm(third, person))).toEqual(toldOf('link_other_account'));
  await post(world.at);
});

test('an account has as many identifiers as it may; one more is refused, and the link stays', async () => {
  const person = await somebody(
    Array.from({ length: LIMITS.identifiersPerAccountMax - 2 }, (_, n) => `n-${people}-${n}`),
  );
  const link = await linkFor(person, `full-${people}@example.org`);
  const { browser } = person;
  expect([told(await confirm(link, person)), (await browser.get(link)).status]).toEqual([toldOf('limit_reached'), 200]);
  expect(await world.at.server.store.read.identifiers(person.id)).toHaveLength(LIMITS.identifiersPerAccountMax);
});

test('CSRF-01, CSRF-02, PWD-13: neither a link that is opened nor a form of another page verifies anything', async () => {
  const person = await somebody();
  const link = await linkFor(person, person.email);
  const before = rowsOf(world.at);
  const { browser } = person;
  const page = await browser.get(link);
  expect((await browser.submit(page, {}, { 'sec-fetch-site': 'cross-site' })).status).toBe(403);
  expect((await browser.submit(page, { form_token: 'x' })).status).toBe(403);
  for (const fields of [{}, { link_secret: '' }, { link_secret: 'x' }])
    expect(told(await browser.post('/links/verify', fields as Readonly<Record<string, string>>))).toEqual(INVALID);
  expect(rowsOf(world.at)).toEqual(before);
});

test('attack 8.30: what is no address is told to whoever typed it, and too many mails are too many', async () => {
  const person = await somebody();
  for (const text of ['a name', 'just-a-name', 'a@example.com,b@example.com', 'a@example.com\r\nBcc: b@example.com'])
    expect(await ask(person, text)).toEqual({ ok: false, error: { error: 'identifier_invalid' } });
  const address = `often-${people}@example.org`;
  const from = '198.51.100.9';
  for (let count = 0; count < 5; count++) expect((await ask(person, address, from)).ok).toBe(true);
  expect(await ask(person, address, from)).toEqual({
    ok: false,
    error: { error: 'rate_limited', headers: { 'retry-after': '300' } },
  });
  await post(world.at);
});

test('attack 8.20: whoever reads a mistyped address, or clicks on what came unasked, puts it on no account', async () => {
  const [person, stranger] = [await somebody(), await somebody()];
  const address = `mistyped-${people}@example.org`;
  const link = await linkFor(person, address);
  for (const browser of [world.browser(), stranger.browser]) {
    expect(told(await browser.get(link))).toEqual(toldOf('link_other_account'));
    const form = await person.browser.get(link);
    expect(told(await browser.submit(form, {}))).toEqual(toldOf('link_other_account'));
  }
  expect(await ownerOf(address)).toBeUndefined();
  expect((await confirm(link, person)).status).toBe(200);
  await post(world.at);
});

test('attack 8.20: what was asked for in a session that has ended, or before a new password, comes to nothing', async () => {
  const [one, other] = [await somebody(), await somebody()];
  await ask(one, `ended-${people}@example.org`);
  await write({
    kind: 'session.end',
    id: one.sessionId,
    ended: { at: world.clock.now(), reason: 'ended_by_owner', by: one.id },
  });
  await ask(other, `changed-${people}@example.org`);
  await write({ kind: 'password.set', id: other.id, phc: '$new', at: later(world.clock.now(), 1) });
  expect(await post(world.at)).toEqual([]);
});
