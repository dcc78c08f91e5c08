import { once } from 'node:events';
import { existsSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import {
  actionIn,
  answerIn,
  createPageBrowser,
  goThrough,
  hiddenIn,
  type PageBrowser,
} from '@latchkey/testkit/code-flow';
import { PASSWORD } from '@latchkey/testkit/people';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openPlace, type Place, type Ran } from './script.ts';

const LINK = /http:\/\/localhost:\d+\/setup\?link=[A-Za-z0-9_-]{43}/;
let place: Place;
let setUpLink: string;
beforeAll(async () => {
  place = await openPlace();
  const server = await place.serve();
  let told = '';
  server.stderr.on('data', (chunk) => (told += chunk));
  await until(() => LINK.test(told));
  setUpLink = LINK.exec(told)?.[0] ?? '';
}, 60_000);
afterAll(() => place.close());

async function until(isSo: () => boolean): Promise<void> {
  const end = Date.now() + 30_000;
  while (!isSo()) {
    if (Date.now() > end) throw new Error('it did not come to that');
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

const newBrowser = (): PageBrowser =>
  createPageBrowser({
    fetch: (path, init) => fetch(path.startsWith('http') ? path : place.issuer + path, { ...init, redirect: 'manual' }),
    secrets: { add: () => undefined },
  });

/** A command that waits for a browser: the link that it printed, and what becomes of it. */
async function begin(args: readonly string[]) {
  const child = place.start(['login', ...args]);
  const said = { out: '', err: '' };
  child.stdout.on('data', (chunk) => (said.out += chunk));
  child.stderr.on('data', (chunk) => (said.err += chunk));
  const closed = once(child, 'close');
  const isOver = () => child.exitCode !== null;
  await until(() => /^http:.*$/m.test(said.err) || isOver());
  const link = /^http:.*$/m.exec(said.err)?.[0] ?? '';
  const ended = async (): Promise<Ran> => {
    await closed;
    return { code: child.exitCode, ...said };
  };
  return { child, link, redirectUri: URL.parse(link)?.searchParams.get('redirect_uri') ?? '', ended };
}

/** Signs in in a browser, up to the answer; whatever the pages ask is confirmed. */
async function answerTo(link: string, username: string, browser = newBrowser()): Promise<string> {
  const answer = await goThrough(browser, await browser.get(link), { username });
  return answer.location ?? '';
}

async function logIn(username: string, args: readonly string[] = []): Promise<Ran> {
  const { link, ended } = await begin(['--issuer', place.issuer, ...args]);
  const answer = await fetch(await answerTo(link, username));
  expect([answer.status, await answer.text()]).toEqual([
    200,
    'You can close this page, and go back to the terminal.\n',
  ]);
  return ended();
}

const file = (name = '.latchkey/login.json') => join(place.folder, name);

test('CLI-01 RFC 8252 §7.3, §8.3: from nothing to an administrator: the link of development mode, a sign-in, and commands in one’s own name', {
  timeout: 120_000,
}, async () => {
  const browser = newBrowser();
  const done = await browser.submit(await browser.get(setUpLink), { username: 'ada', password: PASSWORD });
  expect([done.status, done.text.includes('You are an administrator')]).toEqual([200, true]);

  const { code, out } = await logIn('ada');
  expect([code, out]).toEqual([
    0,
    expect.stringContaining(`You are signed in at ${place.issuer}. You may: accounts:read`),
  ]);
  expect(process.platform === 'win32' || (statSync(file()).mode & 0o777) === 0o600).toBe(true);
  const kept = JSON.parse(readFileSync(file(), 'utf8'));
  expect(Object.keys(kept).sort()).toEqual(['client_id', 'issuer', 'refresh_token']);

  const made = await place.latchkey(['account', 'create', 'bob', '--json'], `${PASSWORD}\n`);
  expect(made.code).toBe(0);
  expect(JSON.parse(readFileSync(file(), 'utf8')).refresh_token).not.toBe(kept.refresh_token);
  const ada = JSON.parse((await place.latchkey(['account', 'list', '--json'])).out)[0];
  const [row] = JSON.parse(
    (await place.latchkey(['audit', 'tail', '--json', '-n', '1'])).out
      .replace(/\n(?=\{)/g, ',')
      .replace(/^/, '[')
      .replace(/$/, ']'),
  );
  expect([row.event, row.actor]).toEqual(['account.created', ada.id]);
});

describe('with the sign-in of an administrator', () => {
  test('many commands at once wait for one another: none is taken for a thief', { timeout: 120_000 }, async () => {
    const ran = await Promise.all(Array.from({ length: 5 }, () => place.latchkey(['account', 'list'])));
    expect(ran.map(({ code }) => code)).toEqual([0, 0, 0, 0, 0]);
    expect(existsSync(`${file()}.lock`)).toBe(false);
  });

  test('a lock that a killed command has left is told at once, and not taken away', { timeout: 60_000 }, async () => {
    const { child } = await begin(['--issuer', place.issuer]);
    child.kill('SIGKILL');
    await once(child, 'close');
    writeFileSync(`${file()}.lock`, String(child.pid));
    const { code, err } = await place.latchkey(['account', 'list']);
    expect([code, err]).toEqual([5, expect.stringContaining('remove .latchkey/login.json.lock')]);
    rmSync(`${file()}.lock`);
    expect((await place.latchkey(['account', 'list'])).code).toBe(0);
  });

  test('an answer that was lost is asked for again by the same attempt', { timeout: 60_000 }, async () => {
    // the server rotated, and the command never heard of it: as if it was killed in between
    const before = JSON.parse(readFileSync(file(), 'utf8'));
    const attempt = { ...before, attempt_id: 'an-attempt-of-its-own' };
    writeFileSync(file(), JSON.stringify(attempt), { mode: 0o600 });
    const answer = await fetch(`${place.issuer}/oauth/token`, {
      method: 'POST',
      body: new URLSearchParams({
        grant_type: 'refresh_token',
        client_id: before.client_id,
        refresh_token: before.refresh_token,
        attempt_id: attempt.attempt_id,
      }),
    });
    expect(answer.status).toBe(200);
    expect((await place.latchkey(['account', 'list'])).code).toBe(0);
  });

  test('a role that is taken away ends what one may do, and says so', { timeout: 120_000 }, async () => {
    const adminApi = `${place.issuer}/admin/api`;
    expect((await place.latchkey(['role', 'grant', 'bob', adminApi, 'support'])).code).toBe(0);
    const args = ['--credential', 'bob.json'];
    const { code, out } = await logIn('bob', args);
    expect([code, out]).toEqual([0, expect.stringContaining('accounts:read api_keys:read sessions:read')]);
    expect((await place.latchkey([...args, 'account', 'list'])).code).toBe(0);
    const refused = await place.latchkey([...args, 'client', 'list']);
    expect([refused.code, refused.err]).toEqual([6, expect.stringContaining('insufficient_scope')]);
    expect((await place.latchkey(['role', 'revoke', 'bob', adminApi, 'support'])).code).toBe(0);
    const nothing = await place.latchkey([...args, 'account', 'list']);
    expect([nothing.code, nothing.err]).toEqual([6, expect.stringContaining('give you nothing there')]);
  });

  test('logout ends it at the server and here; a second one finds nothing', { timeout: 120_000 }, async () => {
    const { refresh_token: token, client_id: client } = JSON.parse(readFileSync(file(), 'utf8'));
    const { code, out } = await place.latchkey(['logout']);
    expect([code, out, existsSync(file())]).toEqual([0, expect.stringContaining('You are signed out'), false]);
    const answer = await fetch(`${place.issuer}/oauth/token`, {
      method: 'POST',
      body: new URLSearchParams({ grant_type: 'refresh_token', client_id: client, refresh_token: token }),
    });
    expect((await answer.json()).error).toBe('invalid_grant');
    expect((await place.latchkey(['logout'])).out).toContain('Nobody is signed in here.');
    writeFileSync(
      file('over.json'),
      JSON.stringify({ issuer: place.issuer, client_id: client, refresh_token: token }),
      {
        mode: 0o600,
      },
    );
    const over = await place.latchkey(['account', 'list', '--credential', 'over.json']);
    expect([over.code, over.err]).toEqual([6, expect.stringContaining('Your sign-in in over.json has ended')]);
    // the machine's own credential is what commands work with again
    expect((await place.latchkey(['account', 'list'])).code).toBe(0);
  });
});

describe('what comes to nothing', () => {
  const NOTHING = ['--credential', 'nothing.json'];
  const expectNothing = () => expect(existsSync(file('nothing.json'))).toBe(false);

  test('somebody without a role', { timeout: 60_000 }, async () => {
    const { code, err } = await logIn('bob', NOTHING);
    expect([code, err]).toEqual([
      3,
      expect.stringMatching(/none of the scopes[\s\S]*access_denied[\s\S]*who has a role/),
    ]);
    expectNothing();
  });

  test('who says no on the page', { timeout: 60_000 }, async () => {
    const { link, ended } = await begin(['--issuer', place.issuer, ...NOTHING]);
    const browser = newBrowser();
    const signIn = await browser.get((await browser.get(link)).location ?? '');
    let seen = await browser.submit(signIn, { username: 'ada', password: PASSWORD });
    seen = await browser.get(seen.location ?? '');
    expect(seen.text).toContain('Latchkey command line');
    const denied = await browser.post(actionIn(seen.text), { ...hiddenIn(seen.text), decision: 'deny' });
    expect(answerIn(denied).get('error')).toBe('access_denied');
    await fetch(denied.location ?? '');
    const { code, err } = await ended();
    expect([code, err]).toEqual([3, expect.stringContaining('access_denied')]);
    expectNothing();
  });

  test.each([
    ['another state', (answer: URL) => answer.searchParams.set('state', 'x'), 'does not belong to this sign-in'],
    ['no state', (answer: URL) => answer.searchParams.delete('state'), 'does not belong to this sign-in'],
    ['another issuer', (answer: URL) => answer.searchParams.set('iss', 'https://evil.example'), 'another server'],
    ['no issuer', (answer: URL) => answer.searchParams.delete('iss'), 'another server'],
    ['no code', (answer: URL) => answer.searchParams.delete('code'), 'holds no code'],
    ['another code', (answer: URL) => answer.searchParams.set('code', 'lk_ac_x'), 'did not take the sign-in'],
  ])(
    'RFC 9700 §2.1: an answer with %s',
    async (_, change, message) => {
      const { link, ended } = await begin(['--issuer', place.issuer, ...NOTHING]);
      const answer = new URL(await answerTo(link, 'ada'));
      change(answer);
      await fetch(answer);
      const { code, err } = await ended();
      expect([code, err]).toEqual([3, expect.stringContaining(message)]);
      expectNothing();
    },
    60_000,
  );

  test('CLI-01: what is no answer is not taken for one: another path, method or host', {
    timeout: 60_000,
  }, async () => {
    const { child, redirectUri, ended } = await begin(['--issuer', place.issuer, ...NOTHING]);
    const port = Number(new URL(redirectUri).port);
    const statuses = [
      await fetch(new URL('/favicon.ico', redirectUri)),
      await fetch(redirectUri, { method: 'POST' }),
      await fetch(`http://localhost:${port}/callback?code=x`).catch(() => ({ status: 404 })),
    ].map(({ status }) => status);
    expect([statuses, child.exitCode]).toEqual([[404, 404, 404], null]);
    child.kill('SIGINT');
    const { code, err } = await ended();
    expect([code, err]).toEqual([130, expect.stringContaining('Interrupted.')]);
    expectNothing();
  });

  test('nobody at the browser: it ends in time', { timeout: 60_000 }, async () => {
    const { code, err } = await (await begin(['--issuer', place.issuer, '--timeout', '1s', ...NOTHING])).ended();
    expect([code, err]).toEqual([3, expect.stringContaining('Nobody signed in in time.')]);
    expectNothing();
  });

  test.each([
    [['--issuer', 'http://id.example.com'], 2, 'no https URL'],
    [['--issuer', 'nonsense'], 2, 'no https URL'],
    [['--issuer', 'https://id.example.com', '--credential', '.latchkey/admin.json'], 2, 'holds the secret of a client'],
    [['--credential', 'nowhere.json'], 2, 'Which server is meant?'],
  ])(
    'login %j: exit code %d',
    async (args, code, message) => {
      const ran = await place.latchkey(['login', ...args]);
      expect([ran.code, ran.err]).toEqual([code, expect.stringContaining(message)]);
    },
    60_000,
  );

  test('a server that cannot be reached leaves the sign-in where it is', { timeout: 60_000 }, async () => {
    const probe = createServer().listen(0, '127.0.0.1');
    await once(probe, 'listening');
    const address = probe.address();
    const issuer = `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`;
    probe.close();
    await once(probe, 'close');
    const kept = { issuer, client_id: 'cli_00000000000000000000000001', refresh_token: 'lk_rt_x' };
    writeFileSync(file('kept.json'), JSON.stringify(kept), { mode: 0o600 });
    const { code } = await place.latchkey(['logout', '--credential', 'kept.json']);
    expect([code, JSON.parse(readFileSync(file('kept.json'), 'utf8'))]).toEqual([5, kept]);
    expect((await place.latchkey(['logout', '--credential', '.latchkey/admin.json'])).code).toBe(2);
  });
});
