import type { NormalisedIdentifier } from '@latchkey/protocol/types';
import { goThrough, hiddenIn, type PageBrowser } from '@latchkey/testkit/code-flow';
import { addAccount, PASSWORD } from '@latchkey/testkit/people';
import { linkIn, post } from '@latchkey/testkit/post';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { addAdministrator } from '../admin/administrator.ts';
import { INVALID, type MailWorld, startMailWorld, told } from './mail-world.ts';

const NEW_PASSWORD = 'seven kettles hum at dawn in the yard';
const NAMES = '/account/identifiers';

let world: MailWorld;
beforeAll(async () => {
  world = await startMailWorld({ magicLink: 'on' });
});
afterAll(() => world.at.close());

let people = 0;
async function somebody() {
  const name = `person-${++people}`;
  const email = `${name}@example.com`;
  return { id: await addAccount(world.at.server, [name, email]), name, email };
}
async function signedIn(username: string): Promise<PageBrowser> {
  const browser = world.browser();
  await goThrough(browser, await browser.get(NAMES), { username });
  return browser;
}
async function change(browser: PageBrowser, path: string, fields: Readonly<Record<string, string>>): Promise<void> {
  const answer = await browser.post(path, { ...hiddenIn((await browser.get('/account')).text), ...fields });
  expect(answer.status).toBe(303);
}
const linkFrom = async () => linkIn((await post(world.at))[0]);
const ownerOf = (name: string) => world.at.server.store.read.identifier(name as NormalisedIdentifier);

/** What an owner does, or somebody does for them, who wants a thief out. */
const ENDS: Readonly<Record<string, (id: string, owner: PageBrowser) => Promise<unknown>>> = {
  'a new password': (_, owner) =>
    change(owner, '/account/password', { current_password: PASSWORD, new_password: NEW_PASSWORD }),
  'the end of all other sessions': (_, owner) => change(owner, '/account/sessions', { end: 'others' }),
  'the end of all sessions': (_, owner) => change(owner, '/account/sessions', { end: 'all' }),
  'a password from an administrator': async (id) =>
    (await addAdministrator(world.at)).post(`/accounts/${id}/password`, { password: NEW_PASSWORD }),
  'a time of being disabled': async (id) => {
    const admin = await addAdministrator(world.at);
    await admin.post(`/accounts/${id}/disable`);
    await admin.post(`/accounts/${id}/enable`);
  },
};

test.each(Object.entries(ENDS))(
  'SES-05: an address that a thief asked to add in a session does not come in after %s',
  async (_, end) => {
    const { id, name } = await somebody();
    const address = `thief-${people}@evil.example`;
    await change(await signedIn(name), NAMES, { add: address });
    const link = await linkFrom();
    await end(id, await signedIn(name));
    await post(world.at);
    expect(told(await world.browser().get(link))).toEqual(INVALID);
    expect(await ownerOf(address)).toBeUndefined();
  },
);

test('an address that its owner gave up does not come back by a link that was sent before', async () => {
  const { name, email } = await somebody();
  const owner = await signedIn(name);
  await change(owner, NAMES, { verify: email });
  const link = await linkFrom();
  await change(owner, NAMES, { remove: email });
  await post(world.at);
  expect(told(await world.browser().get(link))).toEqual(INVALID);
  expect(await ownerOf(email)).toBeUndefined();
});

test('SES-05, PWD-13: a link to sign in that was asked for before a reset is of no use after it', async () => {
  const { name } = await somebody();
  const thief = world.browser();
  const { login = '' } = hiddenIn((await world.begin(thief)).text);
  await world.ask(thief, `/signin/link?login=${login}`, name);
  const link = await linkFrom();
  const owner = world.browser();
  await world.ask(owner, '/reset', name);
  const done = await owner.submit(await owner.get(await linkFrom()), { password: NEW_PASSWORD });
  expect(done.status).toBe(200);
  await post(world.at);
  expect(told(await thief.get(link))).toEqual(INVALID);
});
