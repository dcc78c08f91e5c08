import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readSettings } from '@latchkey/server/read-settings';
import { createPageBrowser, goThrough } from '@latchkey/testkit/code-flow';
import { PASSWORD, populate, type World } from '@latchkey/testkit/people';
import { freePort, startTestServer } from '@latchkey/testkit/test-server';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { addAdministrator, type TestAdministrator } from './admin/administrator.ts';
import { refusedAs, rowsOf } from './refusal.ts';

const BREACHED = 'forty quiet wombats juggle';
const UNKNOWN = 'forty loud wombats whistle';
const digest = createHash('sha1').update(BREACHED).digest();

const folder = mkdtempSync(join(tmpdir(), 'latchkey-breached-'));
const file = join(folder, 'digests');
let world: World;
let admin: TestAdministrator;

async function start(settings: Readonly<Record<string, string>>): Promise<void> {
  world = await populate(await startTestServer({ settings }));
  admin = await addAdministrator(world.at);
}
beforeAll(async () => {
  writeFileSync(file, digest);
  await start({ breachedPasswordsFile: file });
});
afterAll(async () => {
  await world.at.close();
  rmSync(folder, { recursive: true });
});

/** The places at which a password is set, each of which answers 2xx when it is. */
const PLACES = {
  'a person changes it': async (password: string) => {
    const { body } = await world.login({ resource: world.at.issuer });
    const change = { current_password: PASSWORD, new_password: password };
    return world.post('/api/password', change, { authorization: `Bearer ${body.access_token}` });
  },
  'an administrator sets it': (password: string) => admin.post(`/accounts/${world.accountId}/password`, { password }),
  'an account is made with it': (password: string) =>
    admin.post('/accounts', { identifiers: [`somebody-${Date.now()}`], password }),
};
type Place = keyof typeof PLACES;
const places = Object.keys(PLACES) as Place[];

const causeIn = (id: unknown): unknown => {
  const line = world.at.logged.find((one) => one.includes(`"error_id":"${String(id)}"`));
  return line === undefined ? undefined : JSON.parse(line).error;
};

test.each(places)(
  'PWD-05, PWD-06 ASVS 6.2.12: a breached password is refused where %s, and nothing changes',
  async (place) => {
    const accounts = () => [rowsOf(world.at).passwords, rowsOf(world.at).accounts];
    const before = accounts();
    const { status, body } = await PLACES[place](BREACHED);
    expect({ status, code: body.error, cause: causeIn(body.error_id) }).toEqual(refusedAs('password_breached'));
    expect(before).toEqual([expect.any(Array), expect.any(Array)]);
    expect(accounts()).toEqual(before);
  },
);

test('PWD-05, PWD-06 ASVS 6.2.12: the page of the account says why a breached password is refused', async () => {
  const browser = createPageBrowser(world.at);
  await goThrough(browser, await browser.get('/account/password'));
  const page = await browser.get('/account/password');
  const answer = await browser.submit(page, { current_password: PASSWORD, new_password: BREACHED });
  expect([answer.status, /<p role="alert"[^>]*>([^<]*)/.exec(answer.text)?.[1]]).toEqual([
    422,
    expect.stringContaining('known from a breach'),
  ]);
  expect(answer.text).not.toContain(BREACHED);
});

test('PWD-06: what is cheap to find wrong is found first, and what is in no breach is set', async () => {
  const before = await countOf('file', 'clear');
  expect((await admin.post('/accounts', { identifiers: ['x1'], password: 'too short' })).body.error).toBe(
    'password_too_short',
  );
  expect(await countOf('file', 'clear')).toBe(before);
  expect((await admin.post('/accounts', { identifiers: ['x1'], password: UNKNOWN })).status).toBe(201);
  expect(await countOf('file', 'clear')).toBe(before + 1);
});

async function countOf(source: string, outcome: string): Promise<number> {
  const text = await world.at.server.metrics.render();
  const line = new RegExp(`^latchkey_breach_checks_total\\{source="${source}",outcome="${outcome}"\\} (\\d+)$`, 'm');
  return Number(line.exec(text)?.[1] ?? 0);
}

/** What the audit log says of passwords that could not be looked for. */
const unchecked = () =>
  (rowsOf(world.at).audit ?? [])
    .map((row) => JSON.stringify(row))
    .filter((row) => row.includes('password.breach_unchecked'));

test.each(places)(
  'PWD-06: in an outage a password can be set where %s; log, metric and audit tell of it',
  async (place) => {
    await world.at.close();
    await start({ breachedPasswordsLookup: `https://localhost:${await freePort()}/range/` });
    const answer = await PLACES[place](BREACHED);
    expect(answer.status).toBeLessThan(300);
    expect(unchecked()).toEqual([
      expect.stringContaining(place === 'an account is made with it' ? 'server' : world.accountId),
    ]);
    expect(await countOf('lookup', 'unknown')).toBe(1);
    const lines = world.at.logged.filter((line) => line.includes('breached passwords could not be asked'));
    expect(lines.map((line) => JSON.parse(line))).toEqual([
      {
        level: 40,
        time: expect.any(String),
        event: 'breached passwords could not be asked',
        source: 'lookup',
        reason: 'address_refused',
      },
    ]);
    const told = [...world.at.logged, ...unchecked(), await world.at.server.metrics.render()].join('\n').toLowerCase();
    expect(
      [digest.toString('hex').slice(0, 5), digest.toString('base64')].filter((part) => told.includes(part)),
    ).toEqual([]);
  },
);

test('PWD-06: what the file has is refused also while the service does not answer', async () => {
  await world.at.close();
  await start({ breachedPasswordsFile: file, breachedPasswordsLookup: `https://localhost:${await freePort()}/` });
  expect((await admin.post('/accounts', { identifiers: ['x2'], password: BREACHED })).status).toBe(422);
  expect(unchecked()).toEqual([]);
  expect((await admin.post('/accounts', { identifiers: ['x2'], password: UNKNOWN })).status).toBe(201);
  expect(unchecked()).toHaveLength(1);
});

test('PWD-06: a service of one’s own is asked where a password is set, and may stand on one’s own network', async () => {
  const asked: (string | undefined)[] = [];
  const hex = digest.toString('hex').toUpperCase();
  const service = createServer((request, response) => {
    asked.push(request.url);
    response.end(`${hex.slice(5)}:7\r\n${'0'.repeat(35)}:0\r\n`);
  });
  await new Promise<void>((resolve) => service.listen(0, '127.0.0.1', resolve));
  const origin = `http://127.0.0.1:${(service.address() as AddressInfo).port}`;
  await world.at.close();
  await start({ breachedPasswordsLookup: `${origin}/range`, fetchAllow: origin });
  for (const place of places) {
    const { status, body } = await PLACES[place](BREACHED);
    expect({ status, code: body.error, cause: causeIn(body.error_id) }).toEqual(refusedAs('password_breached'));
    expect((await PLACES[place](place === 'a person changes it' ? PASSWORD : UNKNOWN)).status).toBeLessThan(300);
    if (place === 'an administrator sets it')
      await admin.post(`/accounts/${world.accountId}/password`, { password: PASSWORD });
  }
  expect(asked[0]).toBe(`/range/${hex.slice(0, 5)}`);
  expect(asked.every((url) => /^\/range\/[0-9A-F]{5}$/.test(url ?? ''))).toBe(true);
  expect(unchecked()).toEqual([]);
  service.close();
});

test('breachedPasswordsLookup by http is for an origin that the server may call', () => {
  const problems = (fetchAllow: string) => {
    const flags = { mode: 'development', breachedPasswordsLookup: 'http://127.0.0.1:9/range/', fetchAllow };
    const read = readSettings({ flags, env: {}, file: {} });
    return read.ok ? [] : read.error.map(({ setting }) => setting);
  };
  expect(['http://127.0.0.1:9', 'http://127.0.0.1:8', ''].map(problems)).toEqual([
    [],
    ['breachedPasswordsLookup'],
    ['breachedPasswordsLookup'],
  ]);
});

test.each([
  ['off', 'off'],
  ['on', 'https://api.pwnedpasswords.com/range/'],
  ['https://pwned.example/range', 'https://pwned.example/range/'],
  ['https://pwned.example/range/', 'https://pwned.example/range/'],
  ['http://pwned.example/', undefined],
  ['https://pwned.example/?a', undefined],
  ['https://user@pwned.example/', undefined],
  ['yes', undefined],
  ['', undefined],
])('breachedPasswordsLookup %j asks at %s', (text, base) => {
  const read = readSettings({ flags: { mode: 'development', breachedPasswordsLookup: text }, env: {}, file: {} });
  expect(read.ok ? read.value.breachedPasswordsLookup : undefined).toBe(base);
});
