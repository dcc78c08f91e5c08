import { allow } from '@latchkey/domain/decision';
import type { Write } from '@latchkey/domain/write';
import { LIMITS } from '@latchkey/protocol/limits';
import type { AccountId, NormalisedIdentifier } from '@latchkey/protocol/types';
import { askToVerify } from '@latchkey/server/login/ask-for-mail';
import { codeFlow } from '@latchkey/testkit/code-flow';
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
  return { id: await addAccount(world.at.server, [name, email, ...more]), name, email };
}
const ownerOf = (name: string) => world.at.server.store.read.identifier(name as NormalisedIdentifier);
const write = (...writes: readonly Write[]) =>
  world.at.server.commit(
    () => Promise.resolve(),
    () => allow(undefined, writes),
  );

/** What a page of the account does when its owner wants an address verified. */
const ask = (accountId: AccountId, address: string) => {
  const url = new URL(world.at.issuer);
  const call = { request: new Request(url), url, params: {}, address: `192.0.2.${(++people % 250) + 1}` };
  return askToVerify({ accountId, address, language: 'en' }, call, world.at.server);
};
async function linkFor(accountId: AccountId, address: string) {
  expect(await ask(accountId, address)).toEqual({ ok: true, value: undefined });
  return linkIn((await post(world.at))[0]);
}
async function confirm(link: string, browser = world.browser()) {
  const page = await browser.get(link);
  return page.status === 200 ? browser.submit(page, {}) : page;
}

test('PWD-13, NUM-14: an address that an account has is verified by whoever reads it, once, and clients are told so', async () => {
  const { id, email } = await somebody();
  const link = await linkFor(id, email);
  const page = await world.browser().get(link);
  expect([page.status, page.text.includes(email), (await ownerOf(email))?.verifiedAt]).toEqual([200, true, undefined]);
  const done = await confirm(link);
  expect([done.status, done.text.includes('Your address is confirmed')]).toEqual([200, true]);
  expect((await ownerOf(email))?.verifiedAt).toBe(world.clock.now());
  expect(told(await confirm(link))).toEqual(INVALID);
  const audit = await world.at.server.store.read.auditOf(id, 5);
  expect(audit.map(({ event }) => event)).toContain('identifier.verified');
  // nothing to do any more: no mail
  await ask(id, email);
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
  await confirm(await linkFor(world.accountId, 'Z-Second@example.com'));
  expect(await userinfo()).toEqual({ sub: world.accountId, email: 'Z-Second@example.com', email_verified: true });
  await post(world.at);
});

test('ASVS 6.3.7: an address that nobody has is added, and the other addresses of the account are told', async () => {
  const { id, email } = await somebody();
  const address = `added-${people}@example.org`;
  const link = await linkFor(id, address);
  expect(await ownerOf(address)).toBeUndefined();
  expect((await confirm(link)).status).toBe(200);
  expect(await ownerOf(address)).toMatchObject({ accountId: id, verifiedAt: world.clock.now() });
  expect((await post(world.at)).map(({ to, subject }) => [to, subject])).toEqual([
    [email, 'An address was added to your account at Latchkey'],
  ]);
  expect((await world.login({ username: address })).status).toBe(200);
});

test('an address that somebody else has, or gets in the meantime, is not taken from them', async () => {
  const [one, other] = [await somebody(), await somebody()];
  await ask(one.id, other.email);
  expect(await post(world.at)).toEqual([]);
  const address = `wanted-${people}@example.org`;
  const link = await linkFor(one.id, address);
  const owner = await addAccount(world.at.server, address);
  expect(told(await confirm(link))).toEqual(INVALID);
  expect(await ownerOf(address)).toMatchObject({ accountId: owner, verifiedAt: undefined });
  expect((await world.browser().get(link)).status).toBe(400);
});

test('CVE-2022-23555, attack 8.20: it dies with its time, with a newer one and with its account', async () => {
  const { id } = await somebody();
  const early = await linkFor(id, `early-${people}@example.org`);
  world.clock.advance(600_000);
  expect(told(await confirm(early))).toEqual(INVALID);
  const first = await linkFor(id, `first-${people}@example.org`);
  const second = await linkFor(id, `second-${people}@example.org`);
  expect([told(await confirm(first)), (await confirm(second)).status]).toEqual([INVALID, 200]);
  const third = await linkFor(id, `third-${people}@example.org`);
  await write({ kind: 'account.disable', id, at: world.clock.now() });
  expect(told(await confirm(third))).toEqual(INVALID);
  await post(world.at);
});

test('an account has as many identifiers as it may; one more is refused, and the link stays', async () => {
  const { id } = await somebody(
    Array.from({ length: LIMITS.identifiersPerAccountMax - 2 }, (_, n) => `n-${people}-${n}`),
  );
  const link = await linkFor(id, `full-${people}@example.org`);
  expect([told(await confirm(link)), (await world.browser().get(link)).status]).toEqual([toldOf('limit_reached'), 200]);
  expect(await world.at.server.store.read.identifiers(id)).toHaveLength(LIMITS.identifiersPerAccountMax);
});

test('CSRF-01, CSRF-02, PWD-13: neither a link that is opened nor a form of another page verifies anything', async () => {
  const { id, email } = await somebody();
  const link = await linkFor(id, email);
  const before = rowsOf(world.at);
  const browser = world.browser();
  const page = await browser.get(link);
  expect((await browser.submit(page, {}, { 'sec-fetch-site': 'cross-site' })).status).toBe(403);
  expect((await browser.submit(page, { form_token: 'x' })).status).toBe(403);
  for (const fields of [{}, { link_secret: '' }, { link_secret: 'x' }])
    expect(told(await browser.post('/links/verify', fields as Readonly<Record<string, string>>))).toEqual(INVALID);
  expect(rowsOf(world.at)).toEqual(before);
});

test('attack 8.30: what is no address is told to whoever typed it, and too many mails are too many', async () => {
  const { id } = await somebody();
  for (const text of ['a name', 'just-a-name', 'a@example.com,b@example.com', 'a@example.com\r\nBcc: b@example.com'])
    expect(await ask(id, text)).toEqual({ ok: false, error: { error: 'identifier_invalid' } });
  const address = `often-${people}@example.org`;
  for (let count = 0; count < 5; count++) expect((await ask(id, address)).ok).toBe(true);
  expect(await ask(id, address)).toEqual({
    ok: false,
    error: { error: 'rate_limited', headers: { 'retry-after': '300' } },
  });
});
