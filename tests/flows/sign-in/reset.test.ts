import { allow } from '@latchkey/domain/decision';
import type { Write } from '@latchkey/domain/write';
import { LIMITS } from '@latchkey/protocol/limits';
import type { NormalisedIdentifier } from '@latchkey/protocol/types';
import { deliverOutbox } from '@latchkey/server/outbox/worker';
import { answerIn, codeFlow, goThrough, hiddenIn, redeem, type Visited } from '@latchkey/testkit/code-flow';
import { addAccount, PASSWORD } from '@latchkey/testkit/people';
import { linkIn, post } from '@latchkey/testkit/post';
import { type ReceiverOptions, startSmtpReceiver } from '@latchkey/testkit/smtp-receiver';
import { form } from '@latchkey/testkit/test-server';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { rowsOf } from '../refusal.ts';
import { INVALID, type MailWorld, startMailWorld, told, wayIn } from './mail-world.ts';

const NEW = 'another passphrase that nobody guesses';
let world: MailWorld;
beforeAll(async () => {
  world = await startMailWorld();
});
afterAll(() => world.at.close());

let people = 0;
/** Somebody with a name, an address and a password. */
async function somebody(more: readonly string[] = []) {
  const name = `person-${++people}`;
  const email = `${name}@example.com`;
  return { id: await addAccount(world.at.server, [name, email, ...more]), name, email };
}
const write = (...writes: readonly Write[]) =>
  world.at.server.commit(
    () => Promise.resolve(),
    () => allow(undefined, writes),
  );

/** Asks for a link and gets it out of the mail. */
async function linkFor(identifier: string, browser = world.browser()): Promise<string> {
  await world.ask(browser, '/reset', identifier);
  return linkIn((await post(world.at))[0]);
}
async function setPassword(link: string, password = NEW, browser = world.browser()) {
  const page = await browser.get(link);
  return page.status === 200 ? browser.submit(page, { password }) : page;
}
const canSignIn = async (username: string, password: string) =>
  (await world.login({ username, password }, {})).status === 200;

test('PWD-13, NUM-14: a forgotten password is set anew by a link that came by mail, and the sign-in goes on', async () => {
  const { name, email } = await somebody();
  const browser = world.browser();
  const signIn = await world.begin(browser);
  const sent = await world.ask(browser, wayIn(signIn, 'Forgot your password?'), email);
  expect([sent.status, sent.location]).toEqual([303, `${world.at.issuer}/mailbox`]);
  expect((await browser.get('/mailbox')).text).toContain('10 minutes');
  const mails = await post(world.at);
  expect(mails.map(({ to, subject }) => [to, subject])).toEqual([[email, 'Set a new password for Latchkey']]);
  const link = linkIn(mails[0]);
  expect(mails[0]?.text).toBe(
    [
      `Somebody, probably you, asked to set a new password for your account at Latchkey (${new URL(world.at.issuer).host}).`,
      'Open this page to choose one:',
      link,
      'The link works once, for 10 minutes.',
      'If it was not you, you need do nothing: your password stays as it is. Give this link to nobody.',
      `Latchkey\n${new URL(world.at.issuer).host}\n`,
    ].join('\n\n'),
  );
  const page = await browser.get(link);
  expect([page.status, page.headers.get('referrer-policy'), page.headers.get('cache-control')]).toEqual([
    200,
    'no-referrer',
    'no-store',
  ]);
  expect(page.text).toContain('autocomplete="new-password"');
  const done = await browser.submit(page, { password: NEW });
  expect([done.status, done.location?.replace(/=.*/, '')]).toEqual([303, `${world.at.issuer}/signin?login`]);
  expect(browser.cookies.has('__Host-latchkey-session')).toBe(false); // nobody is signed in by it
  expect(await canSignIn(name, PASSWORD)).toBe(false);
  const answer = await goThrough(browser, done, { username: name, password: NEW });
  const code = String(answerIn(answer).get('code'));
  world.at.secrets.add('authorization code', code);
  const { body } = await redeem(world, world.client, { code, code_verifier: world.pkce.verifier });
  expect(body.token_type).toBe('Bearer');
  // the link was used once
  expect(await setPassword(link).then(told)).toEqual(INVALID);
});

test('PWD-14, SES-05: every session and offline token of the account ends, and its owner is told', async () => {
  const { id, name, email } = await somebody(['other@example.net']);
  const login = await world.login({ username: name });
  const offline = await codeFlow(
    world,
    world.client,
    { scope: 'openid offline_access', prompt: 'consent' },
    namedBrowser(name),
  );
  const refresh = (refresh_token: string) =>
    world.at
      .fetch(
        '/oauth/token',
        form({ grant_type: 'refresh_token', refresh_token }, { authorization: world.client.basic }),
      )
      .then(({ status }) => status);
  const rotated = await world.post('/api/refresh', { refresh_token: login.body.refresh_token });
  expect(rotated.status).toBe(200);
  const done = await setPassword(await linkFor(email));
  expect([done.status, done.text.includes('Your password is set')]).toEqual([200, true]);
  const after = await world.post('/api/refresh', { refresh_token: rotated.body.refresh_token });
  expect([after.status, await refresh(String(offline.body.refresh_token))]).toEqual([400, 400]);
  const told = await post(world.at);
  expect(told.map(({ to, subject }) => `${to}: ${subject}`).sort()).toEqual([
    'other@example.net: Your password for Latchkey was changed',
    `${email}: Your password for Latchkey was changed`,
  ]);
  expect(told[0]?.text).toContain(`${world.at.issuer}/reset\n`);
  const audit = await world.at.server.store.read.auditOf(id, 20);
  expect(audit.map(({ event }) => event)).toEqual(
    expect.arrayContaining(['password.reset', 'identifier.verified', 'session.ended', 'family.ended']),
  );
  // the address that got the link is known to be theirs from now on; the other one is not
  const names = await world.at.server.store.read.identifiers(id);
  expect(names.filter(({ verifiedAt }) => verifiedAt !== undefined).map(({ normalised }) => normalised)).toEqual([
    email,
  ]);
});

function namedBrowser(username: string) {
  const browser = world.browser();
  return {
    ...browser,
    submit: (page: Parameters<typeof browser.submit>[0], typed: Readonly<Record<string, string>>) =>
      browser.submit(page, 'username' in typed ? { ...typed, username } : typed),
  };
}

test('PWD-09, PWD-13: a password that a hundred wrong guesses have locked is unlocked by a new one', async () => {
  const { id, name, email } = await somebody();
  const fail: Write = { kind: 'password.fail', id, at: world.clock.now() };
  await write(...Array.from({ length: 100 }, () => fail));
  world.clock.advance(3_600_000);
  expect(await canSignIn(name, PASSWORD)).toBe(false);
  await setPassword(await linkFor(email));
  expect(await canSignIn(name, NEW)).toBe(true);
  await post(world.at);
});

test('PWD-13: a link opened by GET changes nothing, however often and by whomever', async () => {
  const { email } = await somebody();
  const link = await linkFor(email);
  const before = rowsOf(world.at);
  for (let count = 0; count < 3; count++) expect((await world.browser().get(link)).status).toBe(200);
  expect((await world.at.fetch(link, { method: 'HEAD' })).status).toBe(200);
  expect(rowsOf(world.at)).toEqual(before);
  expect((await setPassword(link)).status).toBe(200);
  await post(world.at);
});

test('NUM-14: a link is good for ten minutes and not for longer', async () => {
  const { email, name } = await somebody();
  const early = await linkFor(email);
  world.clock.advance(599_999);
  expect((await world.browser().get(early)).status).toBe(200);
  const page = await world.browser().get(early);
  world.clock.advance(1);
  const late = await world.browser().submit(page, { password: NEW });
  expect([...told(late), (await world.browser().get(early)).status]).toEqual([...INVALID, 400]);
  expect(await canSignIn(name, PASSWORD)).toBe(true);
});

test('NUM-14: a request that waited longer than its link would live is dropped, not sent late', async () => {
  const { email } = await somebody();
  await world.ask(world.browser(), '/reset', email);
  world.clock.advance(600_000);
  expect(await post(world.at)).toEqual([]);
});

test('PWD-13, attack 8.20: a newer link takes the place of the one before', async () => {
  const { email } = await somebody();
  const first = await linkFor(email);
  const second = await linkFor(email);
  expect((await setPassword(first)).status).toBe(400);
  expect((await setPassword(second)).status).toBe(200);
  await post(world.at);
});

test('PWD-13, attack 8.20: of many uses at the same time one counts', async () => {
  const { email } = await somebody();
  const page = await world.browser().get(await linkFor(email));
  const sent = Array.from({ length: 8 }, (_, index) =>
    world.browser().submit(page, { password: `a passphrase of the user number ${index}` }),
  );
  const statuses = (await Promise.all(sent)).map(({ status }) => status);
  expect(statuses.sort((one, other) => one - other)).toEqual([200, ...Array.from({ length: 7 }, () => 400)]);
  await post(world.at);
});

test('PWD-13, attack 8.20: a link dies with the address that it was sent to, and with the account', async () => {
  const gone = await somebody();
  const link = await linkFor(gone.email);
  await write({ kind: 'identifier.remove', normalised: gone.email as NormalisedIdentifier, accountId: gone.id });
  expect((await setPassword(link)).status).toBe(400);
  const disabled = await somebody();
  const other = await linkFor(disabled.email);
  await write({ kind: 'account.disable', id: disabled.id, at: world.clock.now() });
  expect((await setPassword(other)).status).toBe(400);
  await write({ kind: 'account.enable', id: disabled.id });
  expect((await setPassword(other)).status).toBe(400); // it does not come back
});

test.each([
  ['PWD-01', 'too short', 'fourteen chars', 'too short'],
  ['PWD-02', 'too long', 'x'.repeat(1_025), 'too long'],
  ['PWD-04', 'a control character', 'a passphrase with \u0007 in it', 'cannot be typed'],
  ['PWD-05', 'one that is tried first', 'password1234567', 'tried first'],
])('%s: a new password with %s leaves the link unused, and the page says why', async (_, __, password, told) => {
  const { email, name } = await somebody();
  const link = await linkFor(email);
  const again = await setPassword(link, password);
  expect([again.status, again.text.includes('role="alert"'), again.text.includes(told)]).toEqual([422, true, true]);
  expect(again.text).not.toContain(password);
  expect(await canSignIn(name, PASSWORD)).toBe(true);
  expect((await world.browser().submit(again, { password: NEW })).status).toBe(200);
  await post(world.at);
});

test('PWD-05: the address of the account is no password for it', async () => {
  const email = `a-long-address-${++people}@example.com`;
  await addAccount(world.at.server, email);
  expect((await setPassword(await linkFor(email), email.toUpperCase())).status).toBe(422);
});

test('PWD-03, PWD-04: any fifteen characters will do, however they are composed', async () => {
  const { email, name } = await somebody();
  await setPassword(await linkFor(email), 'un café très salé'.normalize('NFD'));
  expect(await canSignIn(name, 'un café très salé'.normalize('NFC'))).toBe(true);
  await post(world.at);
});

test('CSRF-01, CSRF-02: neither step takes a form that is not from its page', async () => {
  const { email } = await somebody();
  const browser = world.browser();
  const page = await browser.get('/reset');
  for (const [fields, headers] of [
    [{}, { 'sec-fetch-site': 'cross-site' }],
    [{}, { 'sec-fetch-site': 'none' }],
    [{ form_token: 'x' }, {}],
    [{ form_token: '' }, {}],
    [{ login: 'att_00000000000000000000000000' }, {}],
  ] as const)
    expect((await browser.submit(page, { identifier: email, ...fields }, headers)).status).toBe(403);
  // the form of another browser
  const other = world.browser();
  await other.get('/reset');
  expect((await other.post('/reset', { ...hiddenIn(page.text), identifier: email })).status).toBe(403);
  expect(await post(world.at)).toEqual([]);

  const link = await linkFor(email);
  const linked = await browser.get(link);
  for (const [fields, headers] of [
    [{}, { 'sec-fetch-site': 'cross-site' }],
    [{ form_token: 'x' }, {}],
    [{ form_token: String(hiddenIn(page.text).form_token) }, {}],
  ] as const)
    expect((await browser.submit(linked, { password: NEW, ...fields }, headers)).status).toBe(403);
  expect((await browser.get(link)).status).toBe(200);
});

test('CVE-2026-18963, attack 8.20: steps out of order, twice, empty, or with what belongs to another link change nothing', async () => {
  const { email } = await somebody();
  const link = await linkFor(email);
  const secret = String(new URL(link).searchParams.get('link_secret'));
  const before = rowsOf(world.at);
  const browser = world.browser();
  const page = await browser.get(link);
  const { form_token } = hiddenIn(page.text);
  for (const fields of [
    {},
    { password: NEW },
    { link_secret: '', password: NEW },
    { link_secret: 'x', password: NEW },
    { link_secret: secret.slice(0, -1), form_token: String(form_token), password: NEW },
    { link_secret: `${secret}x`, form_token: String(form_token), password: NEW },
    { link_secret: secret.toUpperCase(), form_token: String(form_token), password: NEW },
  ]) {
    const sent = await browser.post('/links/reset', fields as Readonly<Record<string, string>>);
    expect(told(sent)).toEqual(INVALID);
  }
  for (const path of ['/links/verify', '/links/register', '/links/sign-in']) {
    const sent = await browser.post(path, { link_secret: secret, form_token: String(form_token), password: NEW });
    expect([400, 404]).toContain(sent.status);
  }
  for (const query of ['', '?link_secret=', `?link_secret=${secret}&link_secret=${secret}`, '?link_secret=x'])
    expect((await browser.get(`/links/reset${query}`)).status).toBe(400);
  const empty = await browser.submit(page, {});
  expect([empty.status, empty.text.includes('too short')]).toEqual([422, true]);
  expect(rowsOf(world.at)).toEqual(before);
  // with no cookie there is no form to send: back to its beginning
  const fresh = world.browser();
  const bare = await fresh.post('/reset', { identifier: email });
  expect([bare.status, bare.location]).toEqual([303, `${world.at.issuer}/reset`]);
  expect(await post(world.at)).toEqual([]);
});

test('PWD-12, CVE-2026-23511, attack 8.28: known, unknown, disabled and locked get the same answer for the same work', async () => {
  const known = await somebody();
  const disabled = await somebody();
  const locked = await somebody();
  const bare = await addAccount(world.at.server, 'nobody-has-an-address');
  await write({ kind: 'account.disable', id: disabled.id, at: world.clock.now() });
  const fail: Write = { kind: 'password.fail', id: locked.id, at: world.clock.now() };
  await write(...Array.from({ length: 100 }, () => fail));
  const seen = [];
  for (const identifier of [
    known.email,
    known.name,
    'nobody@example.com',
    'nobody-at-all',
    disabled.email,
    disabled.name,
    locked.email,
    'nobody-has-an-address',
  ]) {
    const browser = world.browser();
    const page = await browser.get('/reset');
    const before = await world.commits();
    const sent = await browser.submit(page, { identifier });
    const headers = [...sent.headers].map((pair) => pair.join(': ')).sort();
    seen.push(JSON.stringify([sent.status, sent.text, headers, (await world.commits()) - before]));
  }
  expect(new Set(seen).size).toBe(1);
  expect(JSON.parse(seen[0] ?? '[]').at(-1)).toBe(1);
  const mails = await post(world.at);
  expect(mails.map(({ to }) => to).sort()).toEqual([known.email, locked.email, known.email].sort());
  expect(await world.at.server.store.read.identifiers(bare)).toHaveLength(1);
});

test('a mail for a user name goes to the address that is verified, or to the only one, and else nowhere', async () => {
  const two = await somebody(['second@example.org']);
  await world.ask(world.browser(), '/reset', two.name);
  expect(await post(world.at)).toEqual([]);
  const normalised = 'second@example.org' as NormalisedIdentifier;
  await write({ kind: 'identifier.verify', normalised, at: world.clock.now() });
  await world.ask(world.browser(), '/reset', two.name);
  expect((await post(world.at)).map(({ to }) => to)).toEqual([normalised]);
});

const EVIL = [
  'alice@example.com,eve@evil.example',
  'alice@example.com\r\nBcc: eve@evil.example',
  'alice@example.com\u0000',
  'alice\u0000@example.com',
  'alice@example.com@evil.example',
  '"alice@example.com,eve"@evil.example',
  'alice@example.com>,<eve@evil.example',
  'alice@example.com;eve@evil.example',
  'alice@example.com eve@evil.example',
  'alice(eve@evil.example)@example.com',
  `${'x'.repeat(310)}@example.com`,
  `${'x'.repeat(LIMITS.mailLocalPartMax + 1)}@example.com`,
  '@example.com',
  'alice@',
  'alice@[127.0.0.1]',
  '.alice@example.com',
  '',
  ' ',
];

test.each(EVIL.map((text) => [JSON.stringify(text).slice(0, 60), text] as const))(
  'attack 8.30: %s reaches no mailer',
  async (_, text) => {
    const before = await world.commits();
    const browser = world.browser();
    const page = await browser.get('/reset');
    const sent = await browser.submit(page, { identifier: text });
    expect([sent.status, sent.text.includes('role="alert"')]).toEqual([422, true]);
    expect([await world.commits(), await post(world.at)]).toEqual([before, []]);
  },
);

test('attack 8.30, CVE-2026-15617: another spelling of an address gets no mail of its own', async () => {
  const { email } = await somebody();
  for (const spelling of [email.toUpperCase(), email.replace('@', '\uFF20'), `  ${email} `]) {
    world.clock.advance(3_600_000);
    await world.ask(world.browser(), '/reset', spelling);
    expect((await post(world.at)).map(({ to }) => to)).toEqual([email]);
  }
  await world.ask(world.browser(), '/reset', email.replace('i', '\u0131').replace('e', '\u0435'));
  expect(await post(world.at)).toEqual([]);
});

test('GHSA-2wmj-46rj-qm2w, attack 8.16: no header moves the link in a mail', async () => {
  const { email } = await somebody();
  const { issuer } = world.at;
  for (const headers of [
    { 'x-forwarded-host': 'evil.example', 'x-forwarded-proto': 'http', 'x-forwarded-port': '1' },
    { forwarded: 'host=evil.example;proto=http' },
    { host: 'evil.example' },
    { host: 'localhost:evil' },
    { 'x-original-url': 'https://evil.example/', 'x-rewrite-url': '//evil.example/' },
  ] as Readonly<Record<string, string>>[]) {
    world.clock.advance(3_600_000);
    const browser = world.browser();
    const page = await browser.get('/reset', headers);
    const sent = await browser.submit(page, { identifier: email }, headers);
    expect(sent.location).toBe(`${issuer}/mailbox`);
    const [mail] = await post(world.at);
    expect(linkIn(mail).startsWith(`${issuer}/links/reset?link_secret=lk_ln_`)).toBe(true);
    expect(mail?.text.includes('evil')).toBe(false);
  }
});

test('ASVS 6.3.1: requests for one address, and from one, have an end that does not tell whether it is known', async () => {
  const { email } = await somebody();
  const over = async (identifier: string) => {
    const [seen, browser] = [[] as Visited[], world.browser()];
    for (let count = 0; count < 6; count++) seen.push(await world.ask(browser, '/reset', identifier));
    return seen;
  };
  const [known, unknown] = [await over(email), await over('nobody-2@example.com')];
  expect(known.map(({ status }) => status)).toEqual([303, 303, 303, 303, 303, 429]);
  const blank = (seen: typeof known) =>
    seen.map(({ status, text, headers }) => [
      status,
      text.replace(/value="[^"]*"/g, '').replaceAll(email, ''),
      headers.get('retry-after'),
    ]);
  expect(blank(unknown)).toEqual(blank(known));
  expect(known.at(-1)?.headers.get('retry-after')).toBe('300');
  expect((await post(world.at)).map(({ to }) => to)).toEqual([email, email, email, email, email]);
  // strangers do not use up what its owner may ask for, up to an end of its own
  for (let count = 0; count < 24; count++) expect((await world.ask(world.browser(), '/reset', email)).status).toBe(303);
  expect((await world.ask(world.browser(), '/reset', email)).status).toBe(303);
  expect((await world.ask(world.browser(), '/reset', email)).status).toBe(429);
  await post(world.at);
  const browser = world.browser();
  for (let count = 0; count < 20; count++)
    expect((await world.ask(browser, '/reset', `nobody-of-${count}@example.com`)).status).toBe(303);
  expect((await world.ask(browser, '/reset', 'nobody-of-20@example.com')).status).toBe(429);
  await post(world.at);
});

test('uses of links from one address have an end', async () => {
  const browser = world.browser();
  const statuses = [];
  for (let count = 0; count < 61; count++) statuses.push((await browser.post('/links/reset', {})).status);
  expect(statuses).toEqual([...Array.from({ length: 60 }, () => 400), 429]);
});

test('a mail is in the language of the page that asked for it', async () => {
  const { email } = await somebody();
  for (const [language, subject] of [
    ['de', 'Neues Passwort für Latchkey'],
    ['fr', 'Nouveau mot de passe pour Latchkey'],
  ] as const) {
    const browser = world.browser();
    const page = await browser.get('/reset', { 'accept-language': language });
    await browser.submit(page, { identifier: email }, { 'accept-language': language });
    expect((await post(world.at))[0]?.subject).toBe(subject);
  }
});

test('I4, PWD-13: no secret of a link lies in the database or the log', async () => {
  const { email } = await somebody();
  const link = await linkFor(email);
  const secret = String(new URL(link).searchParams.get('link_secret'));
  expect(secret.length).toBe('lk_ln_'.length + 43);
  await world.browser().get(link);
  await world.browser().get(`${link}x`);
  const { log, database } = everywhere();
  expect([log.includes(secret.slice(6)), database.includes(secret.slice(6))]).toEqual([false, false]);
  expect(database.includes('person-')).toBe(true); // the search does find what is there
});

function everywhere() {
  return { log: world.at.logged.join(''), database: JSON.stringify(rowsOf(world.at)) };
}

test('PWD-13: a mail that is not taken is tried again with another link, and its notice too; no try leaves a secret behind', async () => {
  const options: ReceiverOptions = { hasStartTls: false, refuses: 'not now' };
  const receiver = await startSmtpReceiver(options);
  const smtp = { smtpUrl: `smtp://localhost:${receiver.port}`, mailFrom: 'no-reply@example.com' };
  const real = await startMailWorld(smtp);
  try {
    await addAccount(real.at.server, 'alice@example.com');
    await real.ask(real.browser(), '/reset', 'alice@example.com');
    for (let attempt = 0; attempt < 3; attempt++) {
      await deliverOutbox(real.at.server);
      real.clock.advance(10_000);
    }
    expect([receiver.received, rowsOf(real.at).links?.length]).toEqual([[], 1]);
    expect(real.at.logged.join('')).toContain('a message was not delivered');
    delete options.refuses;
    await deliverOutbox(real.at.server);
    expect(receiver.received.map(({ envelope, to }) => [envelope.to, to])).toEqual([
      [['alice@example.com'], ['alice@example.com']],
    ]);
    const link = /^http\S+$/m.exec(receiver.received[0]?.text ?? '')?.[0] ?? '';
    const browser = real.browser();
    expect((await browser.submit(await browser.get(link), { password: NEW })).status).toBe(200);
    options.refuses = 'not now';
    await deliverOutbox(real.at.server);
    delete options.refuses;
    real.clock.advance(10_000);
    await deliverOutbox(real.at.server);
    expect(receiver.received.map(({ subject }) => subject)).toEqual([
      'Set a new password for Latchkey',
      'Your password for Latchkey was changed',
    ]);
    // what has waited for too long is given up
    options.refuses = 'never';
    await real.ask(real.browser(), '/reset', 'alice@example.com');
    await deliverOutbox(real.at.server);
    real.clock.advance(600_000);
    delete options.refuses;
    await deliverOutbox(real.at.server);
    expect([receiver.received.length, await real.at.server.store.read.outbox(real.clock.now(), 10)]).toEqual([2, []]);
  } finally {
    await real.at.close();
    await receiver.close();
  }
});

test('without mail there is no page for it, and no way to it', async () => {
  const without = await startMailWorld({ mode: 'production', issuer: 'http://localhost:8400' });
  try {
    const browser = without.browser();
    for (const path of ['/reset', '/register', '/signin/link'])
      expect([(await browser.get(path)).status, (await browser.post(path, {})).status]).toEqual([404, 404]);
    const signIn = await without.begin(browser);
    expect([signIn.status, signIn.text.includes('<a ')]).toEqual([200, false]);
  } finally {
    await without.at.close();
  }
});
