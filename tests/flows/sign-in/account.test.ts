import { ADDRESS_PARTS, PROFILE_TEXTS } from '@latchkey/domain/accounts/profile';
import type { Client } from '@latchkey/domain/clients/client';
import type { Resource } from '@latchkey/domain/clients/resource';
import type { Write } from '@latchkey/domain/write';
import { PROFILE_FIELDS } from '@latchkey/pages/account/profile';
import { makeId } from '@latchkey/protocol/ids';
import { DURATIONS, LIMITS } from '@latchkey/protocol/limits';
import { type AccountId, later, type SessionId } from '@latchkey/protocol/types';
import { makeCookieValue } from '@latchkey/server/http/browser-cookies';
import { secretHash } from '@latchkey/server/prove/secret';
import { ROUTES } from '@latchkey/server/routes';
import { testClock } from '@latchkey/testkit/clock';
import {
  addRelyingParty,
  codeFlow,
  createPageBrowser,
  goThrough,
  hiddenIn,
  type PageBrowser,
  type Visited,
} from '@latchkey/testkit/code-flow';
import { apiKey } from '@latchkey/testkit/conformance/rows';
import { addAccount, PASSWORD, populate, type World } from '@latchkey/testkit/people';
import { linkIn, post, withoutJobs } from '@latchkey/testkit/post';
import { addClient, addResource, form, startTestServer, type WithSecret } from '@latchkey/testkit/test-server';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { rowsOf } from '../refusal.ts';
import { type ApiWorld, partsOf, startApi, untilRefused } from '../verifier/api.ts';

const clock = testClock();
const SESSION = '__Host-latchkey-session';
const NEW_PASSWORD = 'seven kettles hum at dawn in the yard';
let world: World;
let client: WithSecret<Client>;
let keyed: Resource;
beforeAll(async () => {
  world = await populate(await startTestServer({ now: clock.now, timers: withoutJobs() }));
  client = await addRelyingParty(world);
  keyed = (await addResource(world.at.server, { hasSelfServiceKeys: true, name: 'Keyed API' })).row;
});
afterAll(() => world.at.close());

let people = 0;
/** Somebody of whom nothing is known yet. */
async function newPerson(name = `person-${++people}`) {
  return { name, id: await addAccount(world.at.server, name) };
}

let visitors = 0;
const newBrowser = (at = world.at) => createPageBrowser(at, `198.51.100.${++visitors % 250}`);

/** Signs somebody in in a browser, on the way to a page of the account. */
async function signedIn(name: string, path = '/account', at = world.at): Promise<PageBrowser> {
  const browser = newBrowser(at);
  const seen = await goThrough(browser, await browser.get(path), { username: name });
  expect(seen.location).toBe(at.issuer + path);
  return browser;
}

const cookieOf = (browser: PageBrowser): string => browser.cookies.get(SESSION) ?? '';
const liveOf = async (account: AccountId) =>
  (await world.at.server.store.read.liveSessions(account, clock.now())).map(({ id }) => id);
const sessionOf = async (browser: PageBrowser, at = world.at): Promise<SessionId> => {
  const session = await at.server.store.read.sessionByCookie(secretHash(cookieOf(browser)));
  if (session === undefined) throw new Error('nobody is signed in');
  return session.id;
};
const namesOf = async (account: AccountId) =>
  (await world.at.server.store.read.identifiers(account)).map(({ display }) => display);
const noticeIn = ({ text }: Visited) => /<p role="status">([^<]*)<\/p>/.exec(text)?.[1];
const write = (...writes: Write[]) =>
  world.at.server.commit(
    () => Promise.resolve(),
    () => ({ outcome: { ok: true, value: undefined }, expects: [], writes }),
  );
/** All that is stored, but the logins that wait for somebody to sign in. */
const storedNow = () => {
  const { attempts: _, ...rest } = rowsOf(world.at);
  return rest;
};
/** Sends a form of a page, and goes where the answer leads. */
async function change(browser: PageBrowser, path: string, fields: Readonly<Record<string, string>>): Promise<Visited> {
  const answer = await browser.post(path, { ...hiddenIn((await browser.get('/account')).text), ...fields });
  expect(answer.status).toBe(303);
  return browser.get(answer.location ?? '');
}

const OWN = ROUTES.filter(({ credentials }) => credentials.includes('session_cookie'));
const PAGES = OWN.filter(({ method }) => method === 'GET').map(({ path }) => path);
const FORMS = OWN.filter(({ method }) => method === 'POST').map(({ path }) => path);

/** Where a page is seen: that of a new key is for one API. */
const addressOf = (path: string): string => (path === '/account/api-keys/new' ? `${path}?resource=${keyed.id}` : path);

/** A key of somebody, which a form can end. */
async function keyOf(account: AccountId): Promise<string> {
  const id = makeId('key', clock.now(), world.at.server.entropy(10));
  const key = apiKey(1, { id, owner: account, resource: keyed.identifier, secretHash: secretHash(id) });
  await write({ kind: 'api_key.create', key: { ...key, createdAt: clock.now(), expiresAt: later(clock.now(), 1e9) } });
  return id;
}

/** What each form could do, if it were believed. */
const fieldsOf = (path: string, session: string, key: string): Readonly<Record<string, string>> => ({
  end: path === '/account/api-keys' ? key : session,
  resource: keyed.id,
  name: 'Somebody’s key',
  client: client.row.id,
  current_password: PASSWORD,
  new_password: NEW_PASSWORD,
  nickname: 'Somebody',
  ...(path === '/account/identifiers' ? { add: `another-name-${++people}` } : {}),
});

const PARTS = ['profile', 'sessions', 'applications', 'api-keys', 'api-keys/new', 'password', 'identifiers'].map(
  (part) => `/account/${part}`,
);

test('the pages of the account are these', () => {
  expect([PAGES, FORMS]).toEqual([
    ['/account', ...PARTS],
    ['/account/sign-out', ...PARTS],
  ]);
});

describe.each(PAGES)('the page %s', (path) => {
  test('SES-03 ASVS 7.4.1: is for whoever is signed in; all others sign in, and come back', async () => {
    const { name, id } = await newPerson();
    const browser = newBrowser();
    const turned = await browser.get(path);
    expect([turned.status, turned.location]).toEqual([303, expect.stringMatching(/\/signin\?login=att_/)]);
    await goThrough(browser, turned, { username: name });
    const seen = await browser.get(addressOf(path));
    expect([seen.status, seen.text.includes('<h1>')]).toEqual([200, true]);
    await write({
      kind: 'session.end',
      id: await sessionOf(browser),
      ended: { at: clock.now(), reason: 'logout', by: id },
    });
    expect((await browser.get(path)).location).toMatch(/\/signin\?login=att_/);
  });

  test('HDR-01 ASVS 3.4.1 to 3.4.8: runs nothing, is framed by nobody and kept by nobody', async () => {
    const { name } = await newPerson();
    const { headers } = await (await signedIn(name)).get(addressOf(path));
    expect(headers.get('content-security-policy')).toMatch(
      /^default-src 'none'; .*script-src 'none'; .*base-uri 'none'; form-action 'self'; frame-ancestors 'none'$/,
    );
    expect(
      ['cache-control', 'x-content-type-options', 'referrer-policy', 'cross-origin-opener-policy'].map((one) =>
        headers.get(one),
      ),
    ).toEqual(['no-store', 'nosniff', 'no-referrer', 'same-origin']);
  });
});

describe.each(FORMS)('the form %s', (path) => {
  test('CSRF-01, CSRF-02, CSRF-03 ASVS 3.5.1: believes nothing that does not come from its page and its session', async () => {
    const { name, id } = await newPerson();
    const [browser, other] = [await signedIn(name), await signedIn(name)];
    const token = hiddenIn((await browser.get('/account/identifiers')).text);
    const tokenOfOther = hiddenIn((await other.get('/account/identifiers')).text);
    const fields = fieldsOf(path, await sessionOf(other), await keyOf(id));
    await codeFlow(world, client, {}, browser);
    const cookie = `${SESSION}=${cookieOf(browser)}`;
    const before = rowsOf(world.at);
    const send = async (sent: Readonly<Record<string, string>>, headers: Readonly<Record<string, string>>) =>
      (await world.at.fetch(path, form({ ...fields, ...sent }, { cookie, ...headers }))).status;
    const own = { 'sec-fetch-site': 'same-origin', origin: world.at.issuer };
    expect([
      await send({}, own),
      await send({ form_token: '' }, own),
      await send({ form_token: 'x'.repeat(43) }, own),
      await send(tokenOfOther, own),
      await send(token, { ...own, 'sec-fetch-site': 'cross-site' }),
      await send(token, { ...own, 'sec-fetch-site': 'same-site' }),
      await send(token, { ...own, 'sec-fetch-site': 'none' }),
      await send(token, { origin: 'https://evil.example' }),
      await send(token, { origin: 'null' }),
      await send(token, {}),
    ]).toEqual(Array(10).fill(403));
    expect(rowsOf(world.at)).toEqual(before);
    expect(await send(token, own)).toBe(path === '/account/api-keys/new' ? 200 : 303); // a key is shown at once
    expect(rowsOf(world.at)).not.toEqual(before);
  });

  test('SES-03 ASVS 7.4.1: of a session that is over changes nothing, and asks to sign in', async () => {
    const { name, id } = await newPerson();
    const [browser, other] = [await signedIn(name), await signedIn(name)];
    const token = hiddenIn((await browser.get('/account/identifiers')).text);
    const fields = { ...fieldsOf(path, await sessionOf(other), await keyOf(id)), ...token };
    await write({
      kind: 'session.end',
      id: await sessionOf(browser),
      ended: { at: clock.now(), reason: 'ended_by_owner', by: id },
    });
    const before = storedNow();
    const answer = await browser.post(path, fields);
    expect([answer.status, answer.location]).toEqual([303, expect.stringMatching(/\/signin\?login=att_/)]);
    expect(storedNow()).toEqual(before);
  });

  test('CSRF-03: from another site, with no session, begins no login either', async () => {
    const before = rowsOf(world.at);
    const statuses = ['cross-site', 'same-site', 'none'].map(async (site) => {
      const answer = await world.at.fetch(path, form({ end: 'all' }, { 'sec-fetch-site': site }));
      return [answer.status, answer.headers.getSetCookie()];
    });
    expect(await Promise.all(statuses)).toEqual(Array(3).fill([403, []]));
    expect(rowsOf(world.at)).toEqual(before);
  });

  test('takes no other type of body, and none that is too large', async () => {
    const { name } = await newPerson();
    const headers = { cookie: `${SESSION}=${cookieOf(await signedIn(name))}`, 'sec-fetch-site': 'same-origin' };
    const send = async (type: string, body: string) =>
      (await world.at.fetch(path, { method: 'POST', headers: { ...headers, 'content-type': type }, body })).status;
    expect(await send('text/plain', 'a=b')).toBe(415);
    expect(await send('application/x-www-form-urlencoded', `a=${'x'.repeat(65_536)}`)).toBe(413);
  });
});

describe('sessions', () => {
  test('SES-06 ASVS 7.5.2: are listed with what is known of them, this one first, and others of others never', async () => {
    const { name, id } = await newPerson();
    const agent = 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0';
    const [browser, phone] = [newBrowser(), newBrowser()];
    await goThrough(browser, await browser.get('/account'), { username: name });
    const page = await phone.get((await phone.get('/account')).location ?? '');
    await phone.submit(page, { username: name, password: PASSWORD }, { 'user-agent': agent });
    await signedIn((await newPerson()).name);
    const { text } = await browser.get('/account/sessions');
    const ends = [...text.matchAll(/name="end" value="(ses_[^"]*)" aria-label="([^"]*)"/g)];
    expect(ends.map(([, session, label]) => [session, label])).toEqual([
      [await sessionOf(phone), 'End: Firefox on Linux'],
    ]);
    expect(text.indexOf('this session')).toBeLessThan(text.indexOf('Firefox on Linux'));
    expect(text).toContain('198.51.100.');
    expect(await liveOf(id)).toHaveLength(2);
    expect((await browser.get('/account')).text).toContain('You are signed in at 2 places.');
  });

  test('each session says which applications it signed in to, the own ones of the deployment too', async () => {
    const { name } = await newPerson();
    const browser = await signedIn(name);
    await codeFlow(world, client, {}, browser);
    await world.login({ username: name });
    const { text } = await browser.get('/account/sessions');
    expect([...text.matchAll(/Signed in to <bdi>([^<]*)/g)].map(([, told]) => told)).toEqual([
      'Relying party',
      'Test client',
    ]);
    await change(browser, '/account/applications', { client: client.row.id });
    expect((await browser.get('/account/sessions')).text).not.toContain('Relying party');
  });

  test('SES-06 ASVS 7.5.2: one is ended; its cookie signs nobody in, and this one goes on', async () => {
    const { name, id } = await newPerson();
    const [browser, other] = [await signedIn(name), await signedIn(name)];
    const seen = await change(browser, '/account/sessions', { end: await sessionOf(other) });
    expect(noticeIn(seen)).toContain('The session has ended');
    expect((await other.get('/account')).location).toMatch(/\/signin\?/);
    expect((await browser.get('/account')).status).toBe(200);
    const { ended } = (await world.at.server.store.read.session(await sessionOf(other))) ?? {};
    expect([ended?.reason, ended?.by]).toEqual(['ended_by_owner', id]);
  });

  test("SES-06: somebody else's session, one that is over and what is none are one answer, and nothing changes", async () => {
    const [one, another] = [await newPerson(), await newPerson()];
    const [browser, theirs, over] = [await signedIn(one.name), await signedIn(another.name), await signedIn(one.name)];
    const gone = await sessionOf(over);
    await change(browser, '/account/sessions', { end: gone });
    const before = storedNow();
    const told = new Set<string>();
    for (const end of [await sessionOf(theirs), gone, 'ses_x', '', 'ALL'])
      told.add((await change(browser, '/account/sessions', { end })).text);
    expect(storedNow()).toEqual(before);
    expect(told.size).toBe(1);
    expect((await theirs.get('/account')).status).toBe(200);
  });

  test('SES-06: all others end, and this one goes on', async () => {
    const { name, id } = await newPerson();
    const [browser, other] = [await signedIn(name), await signedIn(name)];
    const stranger = await signedIn((await newPerson()).name);
    const seen = await change(browser, '/account/sessions', { end: 'others' });
    expect(noticeIn(seen)).toContain('All other sessions have ended');
    expect(await liveOf(id)).toEqual([await sessionOf(browser)]);
    expect((await other.get('/account')).location).toMatch(/\/signin\?/);
    expect((await stranger.get('/account')).status).toBe(200);
  });

  test.each(['all', 'itself'])('SES-06: who ends %s is signed out here, too, and sees it', async (which) => {
    const { name } = await newPerson();
    const browser = await signedIn(name);
    const cookie = cookieOf(browser);
    const end = which === 'all' ? 'all' : await sessionOf(browser);
    const seen = await change(browser, '/account/sessions', { end });
    expect(seen.text).toContain('You are signed out');
    expect(browser.cookies.has(SESSION)).toBe(false);
    browser.cookies.set(SESSION, cookie);
    expect((await browser.get('/account')).location).toMatch(/\/signin\?/);
  });

  test('SES-03 ASVS 7.4.1: a sign-out needs no fresh login, and ends the session in storage', async () => {
    const { name, id } = await newPerson();
    const browser = await signedIn(name);
    const cookie = cookieOf(browser);
    clock.advance(3_600_000);
    const page = await browser.get('/account');
    const answer = await browser.submit(page, {});
    expect((await browser.get(answer.location ?? '')).text).toContain('You are signed out');
    expect([browser.cookies.has(SESSION), await liveOf(id)]).toEqual([false, []]);
    browser.cookies.set(SESSION, cookie);
    expect((await browser.get('/account')).location).toMatch(/\/signin\?/);
  });

  test('SES-04 ASVS 7.3.1: a page that is looked at keeps the session from becoming idle; 24 hours without end it', async () => {
    const { name } = await newPerson();
    const browser = await signedIn(name);
    const day = 86_400_000;
    for (let visit = 0; visit < 3; visit++) {
      clock.advance(day - 1);
      expect((await browser.get('/account')).status).toBe(200);
    }
    clock.advance(day);
    expect((await browser.get('/account')).location).toMatch(/\/signin\?/);
  });
});

describe('a change that matters', () => {
  test.each([
    [300, 200],
    [301, 303],
  ])('SES-06 ASVS 7.5.1: %i s after the login the page of the names answers %i', async (age, status) => {
    const { name } = await newPerson();
    const browser = await signedIn(name);
    clock.advance(age * 1000);
    const seen = await browser.get('/account/identifiers');
    expect([seen.status, seen.location === undefined]).toEqual([status, status === 200]);
  });

  test.each([
    ['/account/identifiers', 300, true],
    ['/account/identifiers', 301, false],
    ['/account/sessions', 300, true],
    ['/account/sessions', 301, false],
  ])('SES-06 ASVS 7.5.1, 7.5.2: the form %s, %i s after the login, is done: %s', async (path, age, isDone) => {
    const { name, id } = await newPerson();
    const [browser, other] = [await signedIn(name), await signedIn(name)];
    const token = hiddenIn((await browser.get(path)).text);
    clock.advance(age * 1000);
    const fields = { ...fieldsOf(path, await sessionOf(other), await keyOf(id)), ...token, add: `${name}-2` };
    const before = storedNow();
    const answer = await browser.post(path, fields);
    if (isDone) {
      expect(answer.location).toMatch(/\?notice=(identifier_added|session_ended)$/);
      return;
    }
    expect(answer.location).toMatch(/\/signin\?login=att_/);
    // not even that something is wrong with it is said to who must not see the page
    expect((await browser.post(path, { ...token, add: 'no name', end: '' })).location).toMatch(/\/signin\?login=att_/);
    expect(storedNow()).toEqual(before);
    // signing in leads back to the page, where the change is to be asked for once more
    const back = await goThrough(browser, answer, { username: name });
    expect(back.location).toBe(world.at.issuer + path);
    expect([await namesOf(id), (await liveOf(id)).length]).toEqual([[name], 2]);
    const seen = await browser.get(path);
    expect((await browser.post(path, { ...fields, ...hiddenIn(seen.text) })).location).toContain('?notice=');
  });

  test('SES-06 ASVS 7.5.2: who is not fresh sees sessions without their buttons, and a way to them', async () => {
    const { name } = await newPerson();
    const [browser] = [await signedIn(name), await signedIn(name)];
    clock.advance(301_000);
    const seen = await browser.get('/account/sessions');
    expect([seen.status, seen.text.includes('name="end"')]).toEqual([200, false]);
    const back = await goThrough(browser, await browser.get('/account/sessions?confirm=1'), { username: name });
    expect(back.location).toBe(`${world.at.issuer}/account/sessions`);
    expect((await browser.get('/account/sessions')).text).toContain('name="end"');
    expect((await browser.get('/account/sessions?confirm=1')).status).toBe(200);
  });

  test('whoever signs in as somebody else on the way sees their own account, and changes nothing of the first', async () => {
    const [one, another] = [await newPerson(), await newPerson()];
    const browser = await signedIn(one.name);
    clock.advance(301_000);
    await goThrough(browser, await browser.get('/account/identifiers'), { username: another.name });
    const { text } = await browser.get('/account/identifiers');
    expect([text.includes(another.name), text.includes(`${one.name}<`)]).toEqual([true, false]);
  });
});

describe('the password', () => {
  const fields = { current_password: PASSWORD, new_password: NEW_PASSWORD };

  test('SES-05, PWD-15 ASVS 6.2.3, 7.4.3: is changed by whoever knows it; all other sessions end, and the page says so', async () => {
    const { name, id } = await newPerson();
    const [browser, other] = [await signedIn(name), await signedIn(name)];
    clock.advance(3_600_000);
    const seen = await change(browser, '/account/password', fields);
    expect(noticeIn(seen)).toContain('Your other sessions have ended');
    expect(await liveOf(id)).toEqual([await sessionOf(browser)]);
    expect((await other.get('/account')).location).toMatch(/\/signin\?/);
    expect((await world.login({ username: name })).status).toBe(401);
    expect((await world.login({ username: name, password: NEW_PASSWORD })).status).toBe(200);
  });

  test('PWD-15 ASVS 6.2.3: without the present one nothing changes, and it counts as a wrong guess', async () => {
    const { name, id } = await newPerson();
    const [browser] = [await signedIn(name), await signedIn(name)];
    const page = await browser.get('/account/password');
    for (const current of ['', 'not the passphrase of anybody']) {
      const answer = await browser.submit(page, { ...fields, current_password: current });
      expect([answer.status, /<p role="alert"[^>]*>([^<]*)/.exec(answer.text)?.[1]]).toEqual([
        403,
        'The current password is not right.',
      ]);
      expect(answer.text).not.toContain(NEW_PASSWORD);
    }
    const { failures } = (await world.at.server.store.read.password(id)) ?? {};
    expect([failures, (await liveOf(id)).length]).toEqual([2, 2]);
    expect((await world.login({ username: name })).status).toBe(200);
  });

  test('PWD-15: who guesses must wait, and is told for how long', async () => {
    const { name } = await newPerson();
    const browser = await signedIn(name);
    const page = await browser.get('/account/password');
    const guess = () => browser.submit(page, { ...fields, current_password: 'wrong' });
    for (let count = 0; count < 10; count++) expect((await guess()).status).toBe(403);
    const answer = await guess();
    expect([answer.status, answer.headers.get('retry-after')]).toEqual([429, '32']);
    expect(answer.text).toContain('too many attempts');
  });

  test('PWD-10: what strangers guess shuts nobody out of a session that they are in', async () => {
    const { name, id } = await newPerson();
    const browser = await signedIn(name);
    await write(...Array.from({ length: 100 }, () => ({ kind: 'password.fail', id, at: clock.now() }) as const));
    const changed = await browser.submit(await browser.get('/account/password'), fields);
    expect([changed.status, changed.location]).toEqual([303, expect.stringContaining('notice=password_changed')]);
  });

  test.each([
    ['short', 'eight of', 422],
    ['long', 'x'.repeat(1_025), 422],
    ['hard to type', 'a bell \u0007 in the middle of it', 422],
    ['well known', 'passwordpassword', 422],
  ])('a new one that is too %s is refused at its field', async (_, new_password, status) => {
    const { name } = await newPerson();
    const browser = await signedIn(name);
    const answer = await browser.submit(await browser.get('/account/password'), { ...fields, new_password });
    expect([answer.status, /<p role="alert"[^>]*>([^<]*)/.exec(answer.text)?.[1]]).toEqual([
      status,
      expect.stringMatching(/^This password /),
    ]);
    expect(answer.text).toMatch(/name="new_password"[^>]*aria-invalid="true"/);
  });

  test('an account without one sees that it has none', async () => {
    const { server } = world.at;
    const id = makeId('acc', clock.now(), server.entropy(10));
    const cookie = makeCookieValue(server);
    const known = await server.store.read.session(await sessionOf(await signedIn((await newPerson()).name)));
    if (known?.cookie === undefined) throw new Error('nobody is signed in');
    await write(
      {
        kind: 'account.create',
        account: { id, version: 1, createdAt: clock.now(), disabledAt: undefined, cutOff: undefined },
        identifiers: [],
      },
      {
        kind: 'session.start',
        session: {
          ...known,
          id: makeId('ses', clock.now(), server.entropy(10)),
          accountId: id,
          cookie: { ...known.cookie, hash: cookie.hash },
        },
      },
    );
    const browser = newBrowser();
    browser.cookies.set(SESSION, cookie.value);
    const seen = await browser.get('/account/password');
    expect([seen.text.includes('has no password'), seen.text.includes('current_password')]).toEqual([true, false]);
    const sent = { ...fields, ...hiddenIn((await browser.get('/account')).text) };
    expect((await browser.post('/account/password', sent)).status).toBe(400);
    expect(await server.store.read.password(id)).toBeUndefined();
  });
});

describe('names', () => {
  test('a user name is added, signs in from then on, and is removed; the log says what, and not which', async () => {
    const { name, id } = await newPerson();
    const browser = await signedIn(name);
    const added = await change(browser, '/account/identifiers', { add: ' Second.Name ' });
    expect([noticeIn(added) !== undefined, await namesOf(id)]).toEqual([true, [name, 'Second.Name']]);
    expect((await world.login({ username: 'SECOND.name' })).status).toBe(200);
    await change(browser, '/account/identifiers', { remove: 'second.name' });
    expect(await namesOf(id)).toEqual([name]);
    expect((await world.login({ username: 'second.name' })).status).toBe(401);
    const rows = (await world.at.server.store.read.auditOf(id, 10)).filter(({ event }) => event.startsWith('ident'));
    expect(rows.map(({ event, actor, detail }) => [event, actor, detail])).toEqual([
      ['identifier.removed', id, { kind: 'username' }],
      ['identifier.added', id, { kind: 'username' }],
    ]);
  });

  test.each([
    ['identifier_taken', 'one that somebody else has', 'alice', 409, 'Somebody else has this name'],
    ['identifier_invalid', 'one with spaces', 'a name with spaces', 422, 'A username has letters'],
    [
      'identifier_invalid',
      'what would be several addresses',
      'a@acme.example,b@acme.example',
      422,
      'A username has letters',
    ],
    ['identifier_invalid', 'one that is too long', 'x'.repeat(5_000), 422, 'A username has letters'],
    ['identifier_invalid', 'none', '', 422, 'A username has letters'],
  ])('%s: %s is refused, and nothing changes', async (_, __, add, status, told) => {
    const { name, id } = await newPerson();
    const browser = await signedIn(name);
    const answer = await browser.post('/account/identifiers', {
      ...hiddenIn((await browser.get('/account/identifiers')).text),
      add,
    });
    expect([answer.status, answer.text.includes(told), await namesOf(id)]).toEqual([status, true, [name]]);
  });

  test('PWD-12, PWD-13: an address becomes theirs by the link that is mailed to it, and not before; nothing tells whose it is', async () => {
    const { name, id } = await newPerson();
    const browser = await signedIn(name);
    const address = `${name}@acme.example`;
    const asked = await change(browser, '/account/identifiers', { add: address });
    expect([noticeIn(asked), await namesOf(id)]).toEqual([expect.stringContaining('on its way'), [name]]);
    const [mail] = await post(world.at);
    expect(mail?.to).toBe(address);
    const page = await browser.get(linkIn(mail));
    await browser.submit(page, {});
    const [added] = (await world.at.server.store.read.identifiers(id)).filter(({ kind }) => kind === 'email');
    expect([added?.display, added?.verifiedAt !== undefined]).toEqual([address, true]);

    const other = await newPerson();
    const taken = await change(await signedIn(other.name), '/account/identifiers', { add: address });
    expect([noticeIn(taken), await namesOf(other.id)]).toEqual([noticeIn(asked), [other.name]]);
    expect(await post(world.at)).toEqual([]);
  });

  test('an address that an administrator gave is verified on request, and the account is told of what changes', async () => {
    const { name, id } = await newPerson();
    const address = `${name}@acme.example`;
    const identifier = {
      accountId: id,
      kind: 'email',
      normalised: address as never,
      display: address,
      verifiedAt: undefined,
    } as const;
    await write({ kind: 'identifier.add', identifier });
    const browser = await signedIn(name);
    await change(browser, '/account/identifiers', { verify: address });
    await browser.submit(await browser.get(linkIn((await post(world.at))[0])), {});
    const rows = await world.at.server.store.read.identifiers(id);
    expect(rows.find(({ kind }) => kind === 'email')?.verifiedAt).toBeDefined();

    await change(browser, '/account/identifiers', { add: `${name}-more` });
    await change(browser, '/account/identifiers', { remove: `${name}-more` });
    await browser.post('/account/password', {
      ...hiddenIn((await browser.get('/account/password')).text),
      current_password: PASSWORD,
      new_password: 'quite another passphrase',
    });
    await change(browser, '/account/identifiers', { remove: address });
    const told = (await post(world.at)).map(({ to, subject }) => `${to}: ${subject}`);
    expect(told.toReversed()).toEqual([
      `${address}: A name was added to your account at Latchkey`,
      `${address}: A name was removed from your account at Latchkey`,
      `${address}: Your password for Latchkey was changed`,
      `${address}: A name was removed from your account at Latchkey`,
    ]);
  });

  test('identifier_last: the only name stays', async () => {
    const { name, id } = await newPerson();
    const browser = await signedIn(name);
    const page = await browser.get('/account/identifiers');
    expect(page.text).not.toContain('name="remove"');
    const answer = await browser.submit(page, { remove: name });
    expect([answer.status, answer.text.includes('must stay'), await namesOf(id)]).toEqual([409, true, [name]]);
  });

  test("somebody else's name is not removed, and that it is somebody's is not told", async () => {
    const { name } = await newPerson();
    const browser = await signedIn(name);
    const before = storedNow();
    const told = new Set<string>();
    for (const remove of ['alice', 'nobody-at-all'])
      told.add((await change(browser, '/account/identifiers', { remove })).text);
    expect([told.size, storedNow()]).toEqual([1, before]);
  });

  test('an account has ten names at most', async () => {
    const { name, id } = await newPerson();
    const browser = await signedIn(name);
    const token = hiddenIn((await browser.get('/account/identifiers')).text);
    const add = (number: number) => browser.post('/account/identifiers', { ...token, add: `${name}-${number}` });
    for (let count = 2; count <= 10; count++) expect((await add(count)).status).toBe(303);
    const answer = await add(11);
    expect([answer.status, answer.text.includes('Remove one first'), (await namesOf(id)).length]).toEqual([
      409,
      true,
      10,
    ]);
  });

  test('attack 8.28: nobody asks for many names to learn which there are', async () => {
    const { name } = await newPerson();
    const browser = await signedIn(name);
    const token = hiddenIn((await browser.get('/account/identifiers')).text);
    const statuses: number[] = [];
    for (let count = 0; count < 21; count++)
      statuses.push((await browser.post('/account/identifiers', { ...token, add: 'alice' })).status);
    expect(statuses).toEqual([...Array(20).fill(409), 429]);
  });

  test('attack 8.31: what a form was not made for is not taken from it', async () => {
    const { name, id } = await newPerson();
    const browser = await signedIn(name);
    await change(browser, '/account/identifiers', {
      add: `${name}-x`,
      account_id: world.accountId,
      accountId: world.accountId,
      id: world.accountId,
      kind: 'email',
      verified: 'true',
      verified_at: '1',
      verifiedAt: '1',
      role: 'administrator',
      disabled_at: '1',
      created_at: '1',
    });
    const [, added] = await world.at.server.store.read.identifiers(id);
    expect(added).toEqual({
      accountId: id,
      kind: 'username',
      normalised: `${name}-x`,
      display: `${name}-x`,
      verifiedAt: undefined,
    });
    expect(await world.at.server.store.read.roles(id, undefined)).toEqual([]);
  });
});

describe('the profile', () => {
  const profileOf = async (id: AccountId) => (await world.at.server.store.read.profile(id))?.claims;

  test('what a person says of themselves is kept, shown again, and told to the clients that they allow it', async () => {
    const { name, id } = await newPerson();
    const browser = await signedIn(name);
    const typed = {
      name: 'Ada <Lovelace>',
      birthdate: '1815-12-10',
      phone_number: '+44 20 7946 0000',
      'address.street_address': '1 Saint James Square\r\nGround floor',
      'address.country': 'UK',
      website: '',
    };
    const seen = await change(browser, '/account/profile', typed);
    expect(noticeIn(seen)).toBe('Your profile is saved.');
    expect(await profileOf(id)).toEqual({
      name: typed.name,
      birthdate: typed.birthdate,
      phone_number: '+442079460000',
      address: { street_address: '1 Saint James Square\nGround floor', country: 'UK' },
    });
    expect(seen.text).toContain('value="Ada &lt;Lovelace&gt;"');
    expect(seen.text).toMatch(/<textarea [^>]*>\n1 Saint James Square\nGround floor<\/textarea>/);
    await change(browser, '/account/profile', { nickname: 'Ada' });
    expect(await profileOf(id)).toEqual({ nickname: 'Ada' });
  });

  test('what has not its form is marked, comes back, and nothing is kept', async () => {
    const { name, id } = await newPerson();
    const browser = await signedIn(name);
    const token = hiddenIn((await browser.get('/account')).text);
    const typed = { birthdate: 'yesterday', website: 'javascript:alert(1)', nickname: 'Ada' };
    const { status, text } = await browser.post('/account/profile', { ...token, ...typed });
    const wrong = [...text.matchAll(/name="([\w.]+)"[^>]*aria-invalid="true"/g)].map(([, field]) => field);
    expect([status, wrong, await profileOf(id)]).toEqual([422, ['birthdate', 'website'], undefined]);
    expect(text).toContain('value="Ada"');
  });

  test('attack 8.31: that a number was verified nobody says of themselves, and with another number it is not', async () => {
    const { name, id } = await newPerson();
    const browser = await signedIn(name);
    const phone = { phone_number: '+442079460000' };
    await change(browser, '/account/profile', {
      ...phone,
      phone_number_verified: 'true',
      accountId: 'x',
      version: '9',
    });
    expect(await profileOf(id)).toEqual(phone);
    const claims = { ...phone, phone_number_verified: true };
    await write({ kind: 'profile.set', profile: { accountId: id, version: 2, claims, updatedAt: clock.now() } });
    expect((await browser.get('/account/profile')).text).toContain('This number is verified');
    await change(browser, '/account/profile', { ...phone, nickname: 'Ada' });
    expect(await profileOf(id)).toEqual({ ...claims, nickname: 'Ada' });
    await change(browser, '/account/profile', { phone_number: '+442079460001' });
    expect(await profileOf(id)).toEqual({ phone_number: '+442079460001' });
  });

  test('every claim that a profile can hold has its field', () => {
    const names = [...PROFILE_TEXTS, ...ADDRESS_PARTS.map((part) => `address.${part}`)];
    expect([...PROFILE_FIELDS].sort()).toEqual(names.sort());
  });
});

describe('applications', () => {
  test('AUT-18 ASVS 10.7.3: what was allowed is listed in words, with the host; what is withdrawn is asked about again', async () => {
    const { name } = await newPerson();
    const browser = await signedIn(name);
    expect((await browser.get('/account/applications')).text).toContain('nothing to any application');
    const { body } = await codeFlow(world, client, { scope: 'openid email read' }, browser);
    const { text } = await browser.get('/account/applications');
    for (const told of ['Relying party', 'rp.example', 'See your email address', '<bdi>read</bdi>'])
      expect(text).toContain(told);
    const seen = await change(browser, '/account/applications', { client: client.row.id });
    expect(noticeIn(seen)).toContain('no access to your account');
    const fields = { grant_type: 'refresh_token', refresh_token: String(body.refresh_token) };
    const refused = await world.at.fetch('/oauth/token', form(fields, { authorization: client.basic }));
    expect([refused.status, (await refused.json()).error]).toEqual([400, 'invalid_grant']);
    expect((await browser.get('/account')).text).toContain('You have allowed nothing to any application.');
  });

  test('AUT-18: what somebody else allowed stays, and so does what was never allowed', async () => {
    const [one, another] = [await newPerson(), await newPerson()];
    const [browser, theirs] = [await signedIn(one.name), await signedIn(another.name)];
    await codeFlow(world, client, {}, theirs);
    const before = storedNow();
    for (const id of [client.row.id, world.clientId, 'cli_x', ''])
      expect(noticeIn(await change(browser, '/account/applications', { client: id }))).toContain('over already');
    expect(storedNow()).toEqual(before);
    expect((await theirs.get('/account/applications')).text).toContain('Relying party');
  });

  test('a client that was deleted is no longer among them', async () => {
    const { name, id } = await newPerson();
    const gone = await addClient(world.at.server, { name: 'Gone' });
    const browser = await signedIn(name);
    const consent = { accountId: id, clientId: gone.row.id, scope: ['read'], resources: [], givenAt: clock.now() };
    await write({ kind: 'consent.store', consent });
    expect((await browser.get('/account/applications')).text).toContain('Gone');
    await write({ kind: 'client.delete', id: gone.row.id, at: clock.now() });
    expect((await browser.get('/account/applications')).text).not.toContain('Gone');
  });
});

test('HDR-02 ASVS 1.2.1: user agents, names of clients and identifiers that hold HTML are text', async () => {
  const { id } = await newPerson('mallory');
  const evil = '"><script>alert(1)</script><svg onload=x>';
  const hostile = await addRelyingParty(world, { name: evil });
  const browser = newBrowser();
  const page = await browser.get((await browser.get('/account')).location ?? '');
  await browser.submit(page, { username: 'mallory', password: PASSWORD }, { 'user-agent': evil });
  await codeFlow(world, hostile, {}, browser);
  const name = 'm<svg/onload=x>@evil.example';
  await write({
    kind: 'identifier.add',
    identifier: { accountId: id, kind: 'email', normalised: name as never, display: name, verifiedAt: clock.now() },
  });
  for (const path of PAGES) {
    const { status, text } = await browser.get(`${path}?notice=${encodeURIComponent(evil)}&resource=${keyed.id}`);
    expect([status, /<script|<svg/.exec(text)]).toEqual([200, null]);
  }
  const texts = await Promise.all(PAGES.map(async (path) => (await browser.get(addressOf(path))).text));
  expect(texts.filter((text) => text.includes('&lt;script&gt;alert(1)'))).toHaveLength(2);
  expect(texts.filter((text) => text.includes('&lt;svg/onload=x&gt;@evil'))).toHaveLength(3);
});

test('a notice is one of ours, or none', async () => {
  const { name } = await newPerson();
  const browser = await signedIn(name);
  for (const notice of ['', 'toString', '__proto__', 'Your account is locked, call us', 'GONE'])
    expect(noticeIn(await browser.get(`/account?notice=${encodeURIComponent(notice)}`))).toBeUndefined();
  expect(noticeIn(await browser.get('/account?notice=gone'))).toBe('That was over already. Nothing has changed.');
});

describe('the verifiers of an API learn what ends here', () => {
  let api: ApiWorld;
  let party: WithSecret<Client>;
  beforeAll(async () => {
    api = await startApi();
    party = await addRelyingParty(api);
  });
  afterAll(() => api.close());
  const REVOKED = { ok: false, error: 'token_revoked' };
  const apiTokens = async (browser: PageBrowser) =>
    String(
      (await codeFlow(api, party, { resource: api.api.row.identifier, scope: 'read' }, browser)).body.access_token,
    );
  const ask = async (browser: PageBrowser, path: string, fields: Readonly<Record<string, string>>) =>
    browser.post(path, { ...hiddenIn((await browser.get(path)).text), ...fields });

  test('SES-06 ASVS 7.5.2: a session that its owner ends', async () => {
    const [browser, other] = [await signedIn('alice', '/account', api.at), await signedIn('alice', '/account', api.at)];
    const [mine, theirs] = [await apiTokens(browser), await apiTokens(other)];
    expect([(await api.verifier.verify(mine)).ok, (await api.verifier.verify(theirs)).ok]).toEqual([true, true]);
    await ask(browser, '/account/sessions', { end: String(partsOf(theirs).claims.sid) });
    expect(await untilRefused(api.verifier, theirs)).toEqual(REVOKED);
    expect((await api.verifier.verify(mine)).ok).toBe(true);
  });

  test('SES-05, SES-06: all other sessions, and all, those of the first-party API too', async () => {
    const browser = await signedIn('alice', '/account', api.at);
    const mine = await apiTokens(browser);
    const login = String((await api.login()).body.access_token);
    expect([(await api.verifier.verify(mine)).ok, (await api.verifier.verify(login)).ok]).toEqual([true, true]);
    await ask(browser, '/account/sessions', { end: 'others' });
    expect(await untilRefused(api.verifier, login)).toEqual(REVOKED);
    expect((await api.verifier.verify(mine)).ok).toBe(true);
    await ask(browser, '/account/sessions', { end: 'all' });
    expect(await untilRefused(api.verifier, mine)).toEqual(REVOKED);
  });

  test('AUT-18 ASVS 10.7.3: a consent that is withdrawn; what another client has is good', async () => {
    const browser = await signedIn('alice', '/account', api.at);
    const token = await apiTokens(browser);
    const other = String((await api.login()).body.access_token);
    expect([(await api.verifier.verify(token)).ok, (await api.verifier.verify(other)).ok]).toEqual([true, true]);
    await ask(browser, '/account/applications', { client: party.row.id });
    expect(await untilRefused(api.verifier, token)).toEqual(REVOKED);
    expect((await api.verifier.verify(other)).ok).toBe(true);
  });

  test('SES-05 ASVS 7.4.3: all other sessions, when the password changes', async () => {
    const browser = await signedIn('alice', '/account', api.at);
    const mine = await apiTokens(browser);
    const other = String((await api.login()).body.access_token);
    expect([(await api.verifier.verify(mine)).ok, (await api.verifier.verify(other)).ok]).toEqual([true, true]);
    await ask(browser, '/account/password', { current_password: PASSWORD, new_password: NEW_PASSWORD });
    expect(await untilRefused(api.verifier, other)).toEqual(REVOKED);
    expect((await api.verifier.verify(mine)).ok).toBe(true);
  });
});

describe('API keys', () => {
  const PATH = '/account/api-keys';
  const offer = (more: Partial<Resource> = {}) => addResource(world.at.server, { hasSelfServiceKeys: true, ...more });
  /** Makes a key on the page, as its owner would; gives the key that the answer shows. */
  async function makeKey(browser: PageBrowser, resource: string, fields: Readonly<Record<string, string>> = {}) {
    const page = await browser.get(`${PATH}/new?resource=${resource}`);
    return browser.post(`${PATH}/new`, { ...hiddenIn(page.text), name: 'My script', days: '30', ...fields });
  }
  const keyIn = ({ text }: Visited) => /<code class="secret">([^<]+)<\/code>/.exec(text)?.[1] ?? '';
  const isActive = async (key: string, basic: string) => {
    const answer = await world.at.fetch('/oauth/introspect', form({ token: key }, { authorization: basic }));
    return (await answer.json()) as { active: boolean; scope?: string; sub?: string };
  };

  test('APK-02 APK-03 APK-06: a person makes a key, sees it once, gives it a new secret and ends it', async () => {
    const api = await offer({ name: 'Orders' });
    const { name, id } = await newPerson();
    const browser = await signedIn(name, PATH);
    expect((await browser.get(PATH)).text).toContain('You have no API keys.');
    const made = await makeKey(browser, api.row.id, { 'allow read': '1' });
    const key = keyIn(made);
    expect([made.status, key]).toEqual([200, expect.stringMatching(/^lk_live_[0-9a-z]{26}_[0-9A-Za-z]{49}$/)]);
    expect(await isActive(key, api.basic)).toMatchObject({ active: true, scope: 'read', sub: id });
    const shown = await browser.get(PATH);
    expect(shown.text).toContain('My script');
    expect(shown.text).not.toContain(key.slice(-20));

    const keyId = /name="rotate" value="(key_\w+)"/.exec(shown.text)?.[1] ?? '';
    const rotated = keyIn(await browser.post(PATH, { ...hiddenIn(shown.text), rotate: keyId }));
    expect([(await isActive(key, api.basic)).active, (await isActive(rotated, api.basic)).active]).toEqual([
      true,
      true,
    ]);
    expect(noticeIn(await change(browser, PATH, { end: keyId }))).toContain('The key has ended');
    expect([(await isActive(key, api.basic)).active, (await isActive(rotated, api.basic)).active]).toEqual([
      false,
      false,
    ]);
    expect(noticeIn(await change(browser, PATH, { end: keyId }))).toContain('over already');
  });

  test('APK-06 SES-06: whoever has not proved lately who they are proves it first, and nothing is made', async () => {
    const api = await offer();
    const { name, id } = await newPerson();
    const browser = await signedIn(name, PATH);
    const page = await browser.get(`${PATH}/new?resource=${api.row.id}`);
    clock.advance(DURATIONS.freshAuthentication * 1000 + 1_000);
    const answer = await browser.post(`${PATH}/new`, { ...hiddenIn(page.text), name: 'Late', days: '30' });
    expect([answer.status, keyIn(answer)]).toEqual([303, '']);
    expect(await world.at.server.store.read.apiKeysOf(id, { after: undefined, limit: 5 })).toEqual([]);
  });

  test('APK-03: no key for an API that does not offer it, none beyond what it knows, and no key of somebody else', async () => {
    const [closed, api] = [await addResource(world.at.server), await offer()];
    const [one, another] = [await newPerson(), await newPerson()];
    const [browser, theirs] = [await signedIn(one.name, PATH), await signedIn(another.name, PATH)];
    const page = await browser.get(`${PATH}/new?resource=${api.row.id}`);
    const post = (fields: Readonly<Record<string, string>>) =>
      browser.post(`${PATH}/new`, { ...hiddenIn(page.text), name: 'x', days: '30', ...fields });
    expect(keyIn(await post({ resource: closed.row.id }))).toBe('');
    const key = keyIn(await makeKey(browser, api.row.id, { 'allow admin': '1', 'allow read': '1', days: '9999' }));
    expect((await isActive(key, api.basic)).scope).toBe('read');
    const nameless = await makeKey(browser, api.row.id, { name: ' ' });
    expect([nameless.status, keyIn(nameless), nameless.text.includes('role="alert"')]).toEqual([422, '', true]);
    const [own] = await world.at.server.store.read.apiKeysOf(one.id, { after: undefined, limit: 5 });
    const before = storedNow();
    for (const what of ['rotate', 'end'])
      expect(noticeIn(await change(theirs, PATH, { [what]: own?.id ?? '' }))).toContain('over already');
    expect(storedNow()).toEqual(before);
  });

  test('one key more than an owner may have is refused, and says so', async () => {
    const api = await offer();
    const { name, id } = await newPerson();
    const browser = await signedIn(name, PATH);
    for (let made = 0; made < LIMITS.apiKeysPerOwnerMax; made++)
      await write({
        kind: 'api_key.create',
        key: apiKey(made + 5_000, {
          owner: id,
          resource: api.row.identifier,
          expiresAt: later(clock.now(), 86_400_000),
        }),
      });
    const refused = await makeKey(browser, api.row.id);
    expect([keyIn(refused), refused.text.includes('as many keys as there may be')]).toEqual(['', true]);
  });
});
