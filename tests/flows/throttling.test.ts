import { testClock } from '@latchkey/testkit/clock';
import { addAccount, PASSWORD, populate, type World } from '@latchkey/testkit/people';
import { addClient, form, jsonBody, startTestServer } from '@latchkey/testkit/test-server';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { addAdministrator } from './admin/administrator.ts';
import { refusalOf, refusedAs, rowsOf } from './refusal.ts';

let world: World;
let milliseconds = 0;
beforeEach(async () => {
  milliseconds = 1_000_000;
  world = await populate(await startTestServer({ now: testClock().now, monotonic: () => milliseconds }));
});
afterEach(() => world.at.close());

const REMOTE = '198.51.100.7';
const UNKNOWN_CLIENT = 'cli_00000000000000000000000000';
const UNKNOWN_RESOURCE = 'res_00000000000000000000000000';
const basic = (id: string, secret = 'wrong') => ({
  authorization: `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}`,
});
const forged = `lk_rt_${'A'.repeat(79)}`;

/** Attempts that an address may make without end only slowly: how many at once, and how one is made from an address. */
const ATTEMPTS: Readonly<Record<string, { burst: number; send: (remote: string) => Promise<Response> }>> = {
  'logins of a name that nobody has': {
    burst: 60,
    send: (remote) =>
      world.at.fetch('/api/login', jsonBody({ username: 'x', password: 'y', client_id: UNKNOWN_CLIENT }), remote),
  },
  'wrong secrets of a client': {
    burst: 60,
    send: (remote) =>
      world.at.fetch('/oauth/token', form({ grant_type: 'client_credentials' }, basic(UNKNOWN_CLIENT)), remote),
  },
  'wrong secrets of a resource server': {
    burst: 60,
    send: (remote) => world.at.fetch('/revocations', { headers: basic(UNKNOWN_RESOURCE) }, remote),
  },
  'forged refresh tokens': {
    burst: 120,
    send: (remote) => world.at.fetch('/api/refresh', jsonBody({ refresh_token: forged }), remote),
  },
};

test.each(Object.entries(ATTEMPTS))(
  'ENV-11 RFC 6585 §4, ASVS 6.3.1: %s have an end, with 429 and the time to wait; then there is room again',
  async (_, { burst, send }) => {
    for (let count = 0; count < burst; count++) expect((await send(REMOTE)).status).toBeLessThan(429);
    const before = rowsOf(world.at);
    const refused = await send(REMOTE);
    const wait = Number(refused.headers.get('retry-after'));
    expect([await refusalOf(world.at, refused), wait >= 1]).toEqual([refusedAs('rate_limited'), true]);
    expect(rowsOf(world.at)).toEqual(before);
    expect((await send('203.0.113.1')).status).toBeLessThan(429);
    milliseconds += wait * 1000;
    expect((await send(REMOTE)).status).toBeLessThan(429);
  },
);

test.each(Object.entries(ATTEMPTS))(
  'attack 8.29: %s are counted by the network of an IPv6 address, whatever it says that it forwards',
  async (_, { burst, send }) => {
    const own = (count: number) => `2001:db8:1:2:${count.toString(16)}::${count.toString(16)}`;
    for (let count = 0; count < burst; count++) expect((await send(own(count))).status).toBeLessThan(429);
    expect((await send('2001:db8:1:2:ffff:ffff:ffff:ffff')).status).toBe(429);
    expect((await send('2001:db8:1:3::1')).status).toBeLessThan(429);
  },
);

test('attack 8.29: X-Forwarded-For of somebody who is no named proxy gives no new attempts', async () => {
  const send = (count: number) => {
    const headers = { 'x-forwarded-for': `203.0.113.${count}`, 'x-real-ip': `203.0.113.${count}` };
    const asked = jsonBody({ username: 'x', password: 'y', client_id: UNKNOWN_CLIENT }, headers);
    return world.at.fetch('/api/login', asked, REMOTE);
  };
  for (let count = 0; count < 60; count++) expect((await send(count)).status).toBe(401);
  expect((await send(60)).status).toBe(429);
});

test('attack 8.29: spellings of one name share its failures, of an account and of nobody', async () => {
  const spellings = [
    ['alice', 'ALICE', ' Alice ', 'ａｌｉｃｅ', 'ⓐlice'],
    ['nobody', 'NOBODY', 'Nobody ', 'ｎｏｂｏｄｙ', 'ⓝobody'],
  ];
  for (const names of spellings) {
    const guess = (username: string) => world.login({ username, password: 'wrong' });
    for (const name of names) expect((await guess(name)).status).toBe(401);
    for (const name of names) expect((await guess(name)).status).toBe(429);
  }
});

test('ENV-11: one who has to wait is told the same, be there such a client or account or not', async () => {
  const known = await addClient(world.at.server);
  const seen = async (answer: Response) => {
    const { error_id: _, ...body } = await answer.json();
    return { status: answer.status, body, headers: Object.fromEntries(answer.headers) };
  };
  for (const [first, second] of [
    [UNKNOWN_CLIENT, known.row.id],
    [UNKNOWN_RESOURCE, world.api.row.id],
  ] as const) {
    const send = (id: string, remote: string) =>
      id.startsWith('cli_')
        ? world.at.fetch('/oauth/token', form({ grant_type: 'client_credentials' }, basic(id)), remote)
        : world.at.fetch('/oauth/introspect', form({ token: 'x' }, basic(id)), remote);
    const answers = async (id: string, remote: string) => {
      for (let count = 0; count < 60; count++) await send(id, remote);
      return seen(await send(id, remote));
    };
    expect(await answers(first, `192.0.2.${first.length}`)).toEqual(await answers(second, '192.0.2.99'));
  }
});

test('attack 8.28: unknown, known, disabled, locked and without a password: one answer, one piece of work', async () => {
  const { server } = world.at;
  const admin = await addAdministrator(world.at);
  const disabled = await addAccount(server, 'disabled');
  await admin.post(`/accounts/${disabled}/disable`);
  await admin.post('/accounts', { identifiers: ['passwordless'] });
  const locked = await addAccount(server, 'locked');
  const fail = { kind: 'password.fail', id: locked, at: server.now() } as const;
  await server.commit(
    () => Promise.resolve(),
    () => ({ outcome: { ok: true, value: undefined }, expects: [], writes: Array.from({ length: 100 }, () => fail) }),
  );
  const { passwords } = server;
  const { verify, hash } = passwords;
  let work: string[] = [];
  Object.assign(passwords, {
    verify: (...given: Parameters<typeof verify>) => {
      work.push('verify');
      return verify(...given);
    },
    hash: (...given: Parameters<typeof hash>) => {
      work.push('hash');
      return hash(...given);
    },
  });
  const seen = async (username: string, password: string) => {
    work = [];
    const { status, headers, body } = await world.login({ username, password });
    const { error_id: id, ...rest } = body;
    return { status, headers: Object.fromEntries(headers), rest, id: typeof id, work };
  };
  const wrong = await seen('alice', 'a wrong password');
  expect([wrong.status, wrong.rest.error, wrong.work]).toEqual([401, 'invalid_credentials', ['verify']]);
  for (const [name, password] of [
    ['nobody', PASSWORD],
    ['not a name \u0007', PASSWORD],
    ['x'.repeat(1_000), PASSWORD],
    ['disabled', PASSWORD],
    ['disabled', 'wrong'],
    ['passwordless', PASSWORD],
    ['passwordless', ''],
    ['locked', PASSWORD],
    ['locked', 'wrong'],
  ] as const)
    expect([name, await seen(name, password)]).toEqual([name, wrong]);
});

test('ENV-11: revocations and questions have an end for each client and administrator, not for all', async () => {
  const [one, other] = [await addClient(world.at.server), await addClient(world.at.server)];
  const revoke = (client: typeof one) =>
    world.at.fetch('/oauth/revoke', form({ token: 'x' }, { authorization: client.basic }));
  for (let count = 0; count < 200; count++) expect((await revoke(one)).status).toBe(200);
  const refused = await revoke(one);
  expect([await refusalOf(world.at, refused), refused.headers.get('retry-after')]).toEqual([
    refusedAs('rate_limited'),
    '1',
  ]);
  expect((await revoke(other)).status).toBe(200);

  const admin = await addAdministrator(world.at);
  const ask = () => admin.post('/explain', { error_id: 'nothing-1' });
  for (let count = 0; count < 30; count++) expect((await ask()).status).toBe(200);
  const waits = await ask();
  expect([waits.status, waits.headers.get('retry-after')]).toEqual([429, '2']);
});

test('ENV-11: what an account can have hashed by changes of its password has an end', async () => {
  const { body } = await world.login({ resource: world.at.issuer });
  const change = () =>
    world.post(
      '/api/password',
      { current_password: PASSWORD, new_password: 'short' },
      { authorization: `Bearer ${body.access_token}` },
    );
  for (let count = 0; count < 20; count++) expect((await change()).status).toBe(422);
  const refused = await change();
  expect([refused.status, refused.headers.get('retry-after')]).toEqual([429, '10']);
});
