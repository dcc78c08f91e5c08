import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { allow } from '@latchkey/domain/decision';
import { adminApiOf } from '@latchkey/server/bootstrap';
import { secretHash } from '@latchkey/server/prove/secret';
import { issueSetUpLink } from '@latchkey/server/set-up-link';
import { testClock } from '@latchkey/testkit/clock';
import {
  addRelyingParty,
  authorizePath,
  createPageBrowser,
  goThrough,
  hiddenIn,
  makePkce,
  type PageBrowser,
  requestOf,
} from '@latchkey/testkit/code-flow';
import { PASSWORD, populate, type World } from '@latchkey/testkit/people';
import { startTestServer } from '@latchkey/testkit/test-server';
import { afterEach, beforeEach, expect, test } from 'vitest';

const clock = testClock();
let world: World;
beforeEach(async () => {
  world = await populate(await startTestServer({ now: clock.now }));
});
afterEach(() => world.at.close());

const HOUR = 3_600_000;
const newBrowser = () => createPageBrowser(world.at);
const administrators = () => world.at.server.store.read.holders(adminApiOf(world.at.issuer), 'admin', 9);
const accounts = () => world.at.server.store.read.accounts({ after: undefined, limit: 99 });

async function link(isAnother = false): Promise<string> {
  const issued = await issueSetUpLink(world.at.server, isAnother);
  if (issued === undefined) throw new Error('no link was made');
  world.at.secrets.add('link', issued.url.split('=')[1] ?? '');
  return issued.url;
}

const NEW = { username: 'ada', password: PASSWORD };
const refusal = ({ status, text }: { readonly status: number; readonly text: string }) => [
  status,
  text.includes('This link is not good any more: it was used, is too old, or a newer one was sent.'),
];
const INVALID = [400, true];

/** Signs somebody in in this browser. */
async function signIn(browser: PageBrowser): Promise<void> {
  const client = await addRelyingParty(world);
  await goThrough(browser, await browser.get(authorizePath(requestOf(client.row, makePkce().challenge))));
}

/** Everything that is stored, but how often somebody looked. */
function stored(): Readonly<Record<string, unknown>> {
  const database = new DatabaseSync(join(world.at.data, 'latchkey.db'), { readOnly: true });
  const tables = database.prepare("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name").all();
  const all = Object.fromEntries(
    tables.map(({ name }) => [name, database.prepare(`SELECT * FROM "${String(name)}"`).all()]),
  );
  database.close();
  return all;
}

test('PWD-13: whoever opens the link makes an account that is an administrator, once', async () => {
  const url = await link();
  expect(url).toMatch(new RegExp(`^${world.at.issuer}/setup\\?link=[A-Za-z0-9_-]{43}$`));
  const browser = newBrowser();
  const page = await browser.get(url);
  expect([page.status, page.headers.get('referrer-policy'), page.headers.get('cache-control')]).toEqual([
    200,
    'no-referrer',
    'no-store',
  ]);
  const done = await browser.submit(page, NEW);
  expect([done.status, done.text.includes('You are an administrator')]).toEqual([200, true]);
  const [role, ...more] = await administrators();
  expect([role?.role, more]).toEqual(['admin', []]);
  const login = await world.login({ username: 'ada' });
  expect(login.status).toBe(200);
  const rows = await world.at.server.store.read.auditOf(String(role?.accountId), 9);
  expect(rows.map(({ event, actor }) => [event, actor])).toEqual([
    ['login.succeeded', role?.accountId],
    ['role.granted', 'server'],
    ['account.created', 'server'],
  ]);

  expect(refusal(await browser.get(url))).toEqual(INVALID);
  expect(refusal(await browser.submit(page, { ...NEW, username: 'eve' }))).toEqual(INVALID);
  expect(await administrators()).toHaveLength(1);
});

test('PWD-13: a look at the link changes nothing, however often', async () => {
  const url = await link();
  const before = stored();
  for (let count = 0; count < 3; count++) expect((await newBrowser().get(url)).status).toBe(200);
  expect(stored()).toEqual(before);
});

test('PWD-13 CVE-2022-23555, CVE-2026-1529: two who send it at once make one account', async () => {
  const url = await link();
  const before = (await accounts()).length;
  const browsers = [newBrowser(), newBrowser(), newBrowser()];
  const sent = await Promise.all(
    browsers.map(async (browser, n) => browser.submit(await browser.get(url), { ...NEW, username: `ada-${n}` })),
  );
  expect(sent.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([200, 400, 400]);
  expect([(await accounts()).length, (await administrators()).length]).toEqual([before + 1, 1]);
});

test.each([
  [HOUR - 1, 200],
  [HOUR, 400],
  [HOUR + 1, 400],
])('PWD-13: the link %d ms after it was made: %d', async (age, status) => {
  const url = await link();
  const browser = newBrowser();
  const page = await browser.get(url);
  clock.advance(age);
  expect((await browser.get(url)).status).toBe(status);
  expect((await browser.submit(page, NEW)).status).toBe(status);
  expect(await administrators()).toHaveLength(status === 200 ? 1 : 0);
});

test('PWD-13: a newer link ends the one before', async () => {
  const [older, newer] = [await link(), await link()];
  expect([(await newBrowser().get(older)).status, (await newBrowser().get(newer)).status]).toEqual([400, 200]);
});

test('a way in that was left open closes as soon as somebody is an administrator', async () => {
  const url = await link();
  const browser = newBrowser();
  const page = await browser.get(url);
  const role = { accountId: world.accountId, resource: adminApiOf(world.at.issuer), role: 'admin' };
  await world.at.server.commit(
    () => Promise.resolve(),
    () => allow(undefined, [{ kind: 'role.grant', role }]),
  );
  expect(refusal(await browser.submit(page, NEW))).toEqual(INVALID);
  expect(refusal(await browser.get(url))).toEqual(INVALID);
  expect(await issueSetUpLink(world.at.server, false)).toBeUndefined();
  expect((await newBrowser().get(await link(true))).status).toBe(200);
});

test('PWD-13: a link for another purpose, and what is none, make nobody anything', async () => {
  const secret = 'x'.repeat(43);
  const { now } = await world.at.server.store.read.moment();
  const other = {
    hash: secretHash(secret),
    purpose: 'reset_password',
    subject: world.accountId,
    accountId: world.accountId,
    address: undefined,
    attemptId: undefined,
    createdAt: now,
    expiresAt: (now + HOUR) as typeof now,
  } as const;
  await world.at.server.commit(
    () => Promise.resolve(),
    () => allow(undefined, [{ kind: 'link.issue', link: other }]),
  );
  for (const given of [`?link=${secret}`, '?link=', '', `?link=${'y'.repeat(60_000)}`])
    expect(refusal(await newBrowser().get(`/setup${given}`))).toEqual(INVALID);
  expect(refusal(await newBrowser().post('/setup', { link: secret, ...NEW }))).toEqual(INVALID);
  expect(await world.at.server.store.read.link(other.hash)).toEqual(other);
});

test('whoever is signed in may make that account the administrator, or a new one', async () => {
  const browser = newBrowser();
  await signIn(browser);
  const url = await link();
  const page = await browser.get(url);
  expect(page.text).toContain('alice');
  const before = (await accounts()).length;
  const done = await browser.submit(page, { account: 'signed-in' });
  expect([done.status, (await accounts()).length]).toEqual([200, before]);
  expect(await administrators()).toMatchObject([{ accountId: world.accountId }]);

  const another = await browser.get(await link(true));
  const { account: _, ...hidden } = hiddenIn(another.text);
  expect((await browser.post('/setup', { ...hidden, ...NEW })).status).toBe(200);
  expect([(await accounts()).length, (await administrators()).length]).toEqual([before + 1, 2]);
});

test('CSRF-01, CSRF-02: a form of elsewhere, of another browser or of another session changes nothing', async () => {
  const url = await link();
  const [mine, theirs] = [newBrowser(), newBrowser()];
  const page = await mine.get(url);
  await theirs.get(url);
  const sent = [
    await mine.submit(page, NEW, { 'sec-fetch-site': 'cross-site' }),
    await theirs.submit(page, NEW),
    await mine.submit(page, { ...NEW, form_token: '' }),
  ];
  await signIn(mine);
  sent.push(await mine.submit(page, NEW));
  sent.push(await mine.submit(page, { account: 'signed-in' }));
  const nobody = await theirs.get(url);
  sent.push(await theirs.submit(nobody, { account: 'signed-in' }));
  expect(sent.map(({ status }) => status)).toEqual(sent.map(() => 403));
  expect(await administrators()).toEqual([]);
  expect((await newBrowser().get(url)).status).toBe(200);
});

test.each([
  ['a short password', { password: 'fourteen chars' }, 422, 'It needs at least 15 characters'],
  ['a password of its name', { username: 'bartholomew', password: 'bartholomewbartholomew' }, 422, 'tried first'],
  [
    'a password with a control character',
    { password: `${PASSWORD}\u0007` },
    422,
    'characters in it that cannot be typed',
  ],
  ['a password too long', { password: 'x'.repeat(1_025) }, 422, 'This password is too long.'],
  ['no name', { username: ' ' }, 422, 'neither a username nor an email address'],
  ['a name that is taken', { username: 'ALICE' }, 409, 'This name is taken.'],
])(
  '%s is told on the page, which keeps the name and not the password; the link stays good',
  async (_, typed, status, told) => {
    const browser = newBrowser();
    const given = { ...NEW, ...typed };
    const again = await browser.submit(await browser.get(await link()), given);
    expect([again.status, again.text.includes(told), again.text.includes(given.password)]).toEqual([
      status,
      true,
      false,
    ]);
    expect(again.text).toContain(`value="${given.username}"`);
    expect((await browser.submit(again, { ...NEW, username: 'grace' })).status).toBe(200);
  },
);

test('attack: links that are guessed from one address are counted', async () => {
  const browser = createPageBrowser(world.at, '203.0.113.9');
  const statuses = new Set<number>();
  for (let count = 0; count < 70; count++) statuses.add((await browser.get(`/setup?link=guess-${count}`)).status);
  expect(statuses).toEqual(new Set([400, 429]));
});

test('I7: what is left of a link is nothing', async () => {
  const url = await link();
  clock.advance(HOUR);
  await world.at.server.store.expire((await world.at.server.store.read.moment()).now, 100);
  expect(stored().links).toEqual([]);
  const browser = newBrowser();
  await browser.submit(await browser.get(await link()), NEW);
  expect([stored().links, url.length > 0]).toEqual([[], true]);
});
