import type { Client } from '@latchkey/domain/clients/client';
import { allow } from '@latchkey/domain/decision';
import type { AccountId } from '@latchkey/protocol/types';
import { testClock } from '@latchkey/testkit/clock';
import {
  addRelyingParty,
  authorizePath,
  createPageBrowser,
  makePkce,
  type PageBrowser,
  requestOf,
} from '@latchkey/testkit/code-flow';
import { addAccount, PASSWORD, populate, type World } from '@latchkey/testkit/people';
import { startTestServer, type WithSecret } from '@latchkey/testkit/test-server';
import { afterEach, beforeEach, expect, test } from 'vitest';

const DEVICE = '__Host-latchkey-device';
const clock = testClock();
let world: World;
let client: WithSecret<Client>;
let victim: AccountId;
let milliseconds = 0;
beforeEach(async () => {
  milliseconds = 1_000_000;
  world = await populate(await startTestServer({ now: clock.now, monotonic: () => milliseconds }));
  client = await addRelyingParty(world);
  victim = await addAccount(world.at.server, 'victim');
});
afterEach(() => world.at.close());

const HOME = '192.0.2.10';
const ATTACKER = '198.51.100.7';

async function signIn(browser: PageBrowser, password: string, username = 'victim'): Promise<number> {
  const { challenge } = makePkce();
  const seen = await browser.get(authorizePath(requestOf(client.row, challenge, { prompt: 'login' })));
  const page = await browser.get(seen.location ?? '');
  return (await browser.submit(page, { username, password })).status;
}

const fail = (times: number) =>
  world.at.server.commit(
    () => Promise.resolve(),
    (_, { now }) =>
      allow(
        undefined,
        Array.from({ length: times }, () => ({ kind: 'password.fail', id: victim, at: now }) as const),
      ),
  );

test('PWD-10 ASVS 6.1.1: strangers who guess lock nobody out of a browser in which they signed in before', async () => {
  const home = createPageBrowser(world.at, HOME);
  expect(await signIn(home, PASSWORD)).toBe(303);
  await fail(7);
  expect(await signIn(createPageBrowser(world.at, ATTACKER), PASSWORD)).toBe(429);
  expect(await signIn(home, PASSWORD)).toBe(303);
  // and the strangers go on waiting
  expect(await signIn(createPageBrowser(world.at, ATTACKER), PASSWORD)).toBe(429);
  await fail(93);
  clock.advance(900_000);
  expect(await signIn(createPageBrowser(world.at, ATTACKER), PASSWORD)).toBe(403);
  expect(await signIn(home, PASSWORD)).toBe(303);
});

test('PWD-10: a known browser has few guesses of its own, and then waits like any other', async () => {
  const home = createPageBrowser(world.at, HOME);
  await signIn(home, PASSWORD);
  await fail(7);
  for (let guess = 0; guess < 10; guess++) expect(await signIn(home, 'wrong')).toBe(403);
  expect(await signIn(home, PASSWORD)).toBe(429);
});

test('PWD-10: what a browser is known by is good for its account, its value and its password only', async () => {
  const home = createPageBrowser(world.at, HOME);
  await signIn(home, PASSWORD);
  const device = home.cookies.get(DEVICE) ?? '';
  const [value = '', mark = ''] = device.split('.');
  expect(device).toMatch(/^[\w-]{43}\.[\w-]{43}$/);
  await fail(7);
  for (const planted of [`${'A'.repeat(43)}.${mark}`, `${value}.${'A'.repeat(43)}`, value, `${device}.x`, 'x']) {
    const other = createPageBrowser(world.at, HOME);
    other.cookies.set(DEVICE, planted);
    expect(await signIn(other, PASSWORD)).toBe(429);
  }
  const bob = await addAccount(world.at.server, 'bob');
  await world.at.server.commit(
    () => Promise.resolve(),
    (_, { now }) =>
      allow(
        undefined,
        Array.from({ length: 7 }, () => ({ kind: 'password.fail', id: bob, at: now }) as const),
      ),
  );
  expect(await signIn(home, PASSWORD, 'bob')).toBe(429);
  const phc = await world.at.server.passwords.hash('another password of hers');
  await world.at.server.commit(
    () => Promise.resolve(),
    (_, { now }) => allow(undefined, phc.ok ? [{ kind: 'password.set', id: victim, phc: phc.value, at: now }] : []),
  );
  await fail(7);
  expect(await signIn(home, 'another password of hers')).toBe(429);
});

test('PWD-10: a browser knows three people at most', async () => {
  const home = createPageBrowser(world.at, HOME);
  for (const name of ['one', 'two', 'three', 'four']) {
    await addAccount(world.at.server, name);
    expect(await signIn(home, PASSWORD, name)).toBe(303);
  }
  expect(home.cookies.get(DEVICE)?.split('~')).toHaveLength(3);
});

test('PWD-18 ASVS 6.3.1, 6.3.5: one password tried at many names is stopped, told once, and stops nobody else', async () => {
  const guess = (name: string, remote: string, password = 'the same for all of them') =>
    world.post('/api/login', { username: name, password, client_id: world.clientId }, {}, remote);
  const statuses: number[] = [];
  for (let name = 0; name < 130; name++) {
    milliseconds += 1_100;
    statuses.push((await guess(`name-${name}`, ATTACKER)).status);
  }
  expect([statuses.indexOf(429) > 100, statuses.at(-1)]).toEqual([true, 429]);
  expect((await guess('victim', ATTACKER, PASSWORD)).status).toBe(429);
  expect((await guess('victim', HOME, PASSWORD)).status).toBe(200);
  const alerts = (await world.at.server.store.read.audit(undefined, 200)).filter(
    ({ event }) => event === 'login.guesses_sprayed',
  );
  expect(alerts.map(({ detail }) => detail)).toEqual([{ from: ATTACKER }]);
});

test('PWD-18: from very many addresses it is told as well', async () => {
  for (let number = 0; number <= 1_000; number++)
    await world.post(
      '/api/login',
      { username: `name-${number}`, password: 'x', client_id: world.clientId },
      {},
      `10.0.${number >> 8}.${number & 255}`,
    );
  const [alert] = await world.at.server.store.read.audit(undefined, 1);
  expect(alert).toMatchObject({ event: 'login.guesses_sprayed', detail: { from: 'everywhere' } });
});
