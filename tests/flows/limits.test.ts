import { makeId } from '@latchkey/protocol/ids';
import { DURATIONS, LIMITS } from '@latchkey/protocol/limits';
import type { EpochSeconds } from '@latchkey/protocol/types';
import { createArgon2Hasher } from '@latchkey/server/prove/argon2-hasher';
import { secretHash } from '@latchkey/server/prove/secret';
import type { Server } from '@latchkey/server/server';
import { populate, type World } from '@latchkey/testkit/people';
import { addClient, form, jsonBody, startTestServer, TEST_HASH_COST } from '@latchkey/testkit/test-server';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { addAdministrator, type TestAdministrator } from './admin/administrator.ts';
import { refusalOf, refusedAs, rowsOf } from './refusal.ts';

let world: World;
let admin: TestAdministrator;
beforeAll(async () => {
  world = await populate(await startTestServer({ monotonic: () => 1_000 }));
  admin = await addAdministrator(world.at);
});
afterAll(() => world.at.close());

const GRANT = { grant_type: 'client_credentials' };
/** One below a limit, at it, and one past it. */
const around = (limit: number) => [limit - 1, limit, limit + 1] as const;

/** What a request that is too large in one way is refused as, for three sizes of it. */
async function expectLimit(
  limit: number,
  send: (size: number) => Promise<Response>,
  cause: Parameters<typeof refusedAs>[0],
): Promise<void> {
  for (const size of around(limit)) {
    const before = rowsOf(world.at);
    const answer = await send(size);
    if (size <= limit) {
      expect([size, answer.status < 300]).toEqual([size, true]);
      await answer.body?.cancel();
      continue;
    }
    expect([size, await refusalOf(world.at, answer)]).toEqual([size, refusedAs(cause)]);
    expect(rowsOf(world.at)).toEqual(before);
  }
}

test('tokenMax: a longer token is not looked into', async () => {
  for (const size of around(LIMITS.tokenMax)) {
    const answer = await world.at.fetch('/api/me', { headers: { authorization: `Bearer ${'x'.repeat(size)}` } });
    expect([size, await refusalOf(world.at, answer)]).toEqual([
      size,
      refusedAs(size > LIMITS.tokenMax ? 'token_too_large' : 'token_malformed'),
    ]);
  }
});

test('attemptIdMax: a longer attempt id is refused, at both endpoints, and the refresh token stays good', async () => {
  let { refresh_token: token } = (await world.login()).body;
  for (const path of ['/api/refresh', '/oauth/token'])
    for (const size of [...around(LIMITS.attemptIdMax)].reverse()) {
      const fields = { refresh_token: String(token), attempt_id: 'x'.repeat(size) };
      const body =
        path === '/api/refresh'
          ? jsonBody(fields)
          : form({ grant_type: 'refresh_token', client_id: world.clientId, ...fields });
      const answer = await world.at.fetch(path, body);
      if (size > LIMITS.attemptIdMax) expect(await refusalOf(world.at, answer)).toEqual(refusedAs('field_invalid'));
      else {
        expect(answer.status).toBe(200);
        token = (await answer.json()).refresh_token;
      }
    }
});

test('scopeCharactersMax, scopeNamesMax: a longer scope is malformed, whatever it names', async () => {
  const client = await addClient(world.at.server, { resources: [world.api.row.identifier], scope: ['read'] });
  const cause = async (scope: string) => {
    const answer = await world.at.fetch('/oauth/token', form({ ...GRANT, scope }, { authorization: client.basic }));
    return answer.status === 200 ? undefined : (await refusalOf(world.at, answer)).cause;
  };
  const names = (count: number) => Array.from({ length: count }, () => 'read').join(' ');
  const letters = (count: number) => `read ${'x'.repeat(count - 5)}`;
  expect(await Promise.all(around(LIMITS.scopeNamesMax).map(names).map(cause))).toEqual([
    undefined,
    undefined,
    'scope_malformed',
  ]);
  expect(await Promise.all(around(LIMITS.scopeCharactersMax).map(letters).map(cause))).toEqual([
    'scope_not_allowed',
    'scope_not_allowed',
    'scope_malformed',
  ]);
});

test('clientSecretMax: a longer secret is refused before it is compared, though it would fit', async () => {
  const { server } = world.at;
  const client = await addClient(server, { resources: [world.api.row.identifier] });
  for (const size of around(LIMITS.clientSecretMax)) {
    const secret = 'x'.repeat(size);
    const row = {
      id: makeId('sec', server.now(), server.entropy(10)),
      owner: client.row.id,
      hash: secretHash(secret),
      createdAt: server.now(),
      expiresAt: undefined,
    };
    await server.commit(
      () => Promise.resolve(),
      () => ({ outcome: { ok: true, value: undefined }, expects: [], writes: [{ kind: 'secret.add', secret: row }] }),
    );
    const authorization = `Basic ${Buffer.from(`${client.row.id}:${secret}`).toString('base64')}`;
    const answer = await world.at.fetch('/oauth/token', form(GRANT, { authorization }));
    if (size <= LIMITS.clientSecretMax) expect(answer.status).toBe(200);
    else expect(await refusalOf(world.at, answer)).toEqual(refusedAs('client_secret_wrong'));
  }
});

test('userAgentMax: of a longer user agent only so much is kept', async () => {
  for (const size of around(LIMITS.userAgentMax)) {
    const { body } = await world.login({ resource: world.at.issuer }, { 'user-agent': 'u'.repeat(size) });
    const { body: list } = await world.get('/api/sessions', { authorization: `Bearer ${body.access_token}` });
    const current = (list.sessions as unknown as { current: boolean; user_agent: string }[]).find((one) => one.current);
    expect(current?.user_agent.length).toBe(Math.min(size, LIMITS.userAgentMax));
  }
});

test('resourceIdentifierMax: a longer identifier names no resource', () =>
  expectLimit(
    LIMITS.resourceIdentifierMax,
    (size) => {
      const identifier = 'https://api.example/'.padEnd(size, 'x');
      return world.at.fetch(
        '/admin/api/resources',
        jsonBody({ identifier, name: 'x' }, { authorization: `Bearer ${admin.token}` }),
      );
    },
    'field_invalid',
  ));

test('adminBodyBytesMax: a report of so many bytes and no more', () =>
  expectLimit(
    LIMITS.adminBodyBytesMax,
    (size) => {
      const body = '{"refusals":[]'.padEnd(size - 1, ' ');
      const headers = { 'content-type': 'application/json', authorization: world.api.basic };
      return world.at.fetch('/reports', { method: 'POST', headers, body: `${body}}` });
    },
    'body_too_large',
  ));

test('refusalsPerReportMax: so many refusals in one report and no more; of the others nothing is remembered', async () => {
  const report = (size: number) => {
    const refusals = Array.from({ length: size }, (_, index) => ({
      id: `v${size}-${index}`,
      error: 'token_expired',
      at: 1,
      where: 'x',
      about: {},
    }));
    return world.at.fetch('/reports', jsonBody({ refusals }, { authorization: world.api.basic }));
  };
  await expectLimit(LIMITS.refusalsPerReportMax, report, 'field_invalid');
  const { refusals } = world.at.server;
  expect([
    refusals.find(`v${LIMITS.refusalsPerReportMax}-0`)?.error,
    refusals.find(`v${LIMITS.refusalsPerReportMax + 1}-0`),
  ]).toEqual(['token_expired', undefined]);
});

test('refusalsKept: one more and the oldest is no longer kept, of our own and of those reported', () => {
  const { refusals } = world.at.server;
  const refusal = { error: 'not_found', at: world.at.server.now(), where: 'x', about: {} } as const;
  const first = refusals.remember(refusal);
  for (let count = 1; count < LIMITS.refusalsKept; count++) refusals.remember(refusal);
  expect(refusals.find(first)?.id).toBe(first);
  refusals.remember(refusal);
  expect(refusals.find(first)).toBeUndefined();
  const reported = Array.from({ length: LIMITS.refusalsKept }, (_, index) => ({ ...refusal, id: `w-${index}` }));
  refusals.report(reported);
  expect(refusals.find('w-0')?.id).toBe('w-0');
  refusals.report([{ ...refusal, id: 'w-last' }]);
  expect([refusals.find('w-0'), refusals.find('w-1')?.id]).toEqual([undefined, 'w-1']);
});

test('hashQueueMax: so many hashes wait and one more is refused; when they are done there is room again', async () => {
  const depths: number[] = [];
  const hasher = createArgon2Hasher({
    cost: TEST_HASH_COST,
    concurrency: 1,
    queueMax: LIMITS.hashQueueMax,
    onQueue: (waiting) => depths.push(waiting),
  });
  const hashes = Array.from({ length: 1 + LIMITS.hashQueueMax }, () => hasher.hash('x'));
  expect([await hasher.hash('x'), Math.max(...depths)]).toEqual([
    { ok: false, error: 'overloaded' },
    LIMITS.hashQueueMax,
  ]);
  expect((await Promise.all(hashes)).every(({ ok }) => ok)).toBe(true);
  expect((await hasher.hash('x')).ok).toBe(true);
});

test.each([
  ['secretOverlapMax', (size: number) => ({ overlap_seconds: size }), DURATIONS.secretOverlapMax, '/secrets'],
  ['overlapMax', (size: number) => ({ overlap_ms: size }), DURATIONS.overlapMax * 1000, ''],
] as const)('%s: no overlap is longer', async (_, fieldsOf, max, path) => {
  const { row } = await addClient(world.at.server);
  const wanted = { name: 'x', authentication: 'client_secret_basic', grant_types: ['client_credentials'] };
  await expectLimit(
    max,
    (size) => {
      const [where, body] = path === '' ? ['/admin/api/clients', wanted] : [`/admin/api/clients/${row.id}${path}`, {}];
      return world.at.fetch(
        where,
        jsonBody({ ...body, ...fieldsOf(size) }, { authorization: `Bearer ${admin.token}` }),
      );
    },
    'field_invalid',
  );
});

test('tokenEventsPerClientMax: beyond so many events of single tokens one cut-off of the client takes their place', async () => {
  const { ephemeral } = world.at.server;
  const client = await addClient(world.at.server, { resources: [world.api.row.identifier] });
  const token = async () =>
    (await (await world.at.fetch('/oauth/token', form(GRANT, { authorization: client.basic }))).json()).access_token;
  const [other, one, two, three] = [await token(), await token(), await token(), await token()];
  const revoke = async (text: string) =>
    world.at.fetch('/oauth/revoke', form({ token: text }, { authorization: client.basic }));
  const kinds = async () => {
    const page = await world.at.fetch('/revocations', { headers: { authorization: world.api.basic } });
    return (await page.json()).events.slice(-2).map(({ kind }: { kind: string }) => kind);
  };
  const allowance = { burst: LIMITS.tokenEventsPerClientMax, perMinute: LIMITS.tokenEventsPerClientMax / 63 };
  for (let count = 0; count < LIMITS.tokenEventsPerClientMax - 2; count++)
    await ephemeral.take(`token-events:${client.row.id}`, allowance);
  await revoke(one);
  await revoke(two);
  expect(await kinds()).toEqual(['token', 'token']);
  await revoke(three);
  expect(await kinds()).toEqual(['token', 'client']);
  const introspected = await world.at.fetch(
    '/oauth/introspect',
    form({ token: other }, { authorization: world.api.basic }),
  );
  expect(await introspected.json()).toEqual({ active: false });
});

/** Writes so many events in one decision. */
const emit = (server: Server, count: number) =>
  server.commit(
    () => Promise.resolve(),
    () => ({
      outcome: { ok: true, value: undefined },
      expects: [],
      writes: Array.from({ length: count }, () => ({
        kind: 'revocation.emit' as const,
        event: {
          kind: 'family' as const,
          id: makeId('fam', server.now(), server.entropy(10)),
          exp: (Math.floor(server.now() / 1000) + 600) as EpochSeconds,
        },
      })),
    }),
  );

test('feedPageMax, feedBacklogBytesMax: a page ends and says so; a reader that leaves too much unread is cut off', async () => {
  const own = await populate(await startTestServer());
  const headers = { authorization: own.api.basic };
  await emit(own.at.server, LIMITS.feedPageMax + 1);
  const first = await (await own.at.fetch('/revocations', { headers })).json();
  expect([first.events.length, first.more]).toEqual([LIMITS.feedPageMax, true]);
  const second = await (await own.at.fetch(`/revocations?after=${first.cursor}`, { headers })).json();
  expect([second.events.length, second.more]).toEqual([1, false]);
  expect(second.events[0].seq).toBe(first.events.at(-1).seq + 1);

  // 1 MiB is some 8,000 events: the reader takes the snapshot, leaves what follows, and one text more is one too many
  const cursor = { ...headers, 'last-event-id': second.cursor, accept: 'text/event-stream' };
  const slow = await own.at.fetch('/revocations', { headers: cursor });
  const cut = async () => /latchkey_feed_readers_cut_total (\d+)/.exec(await own.at.server.metrics.render())?.[1];
  for (let sent = 0; (await cut()) === '0' && sent < 10; sent++) {
    await emit(own.at.server, LIMITS.feedPageMax);
    await own.at.server.feed.read();
  }
  expect(await cut()).toBe('1');
  const text = await slow.text(); // it ends
  expect(text.length).toBeGreaterThan(LIMITS.feedBacklogBytesMax);
  expect(text.length).toBeLessThan(4 * LIMITS.feedBacklogBytesMax);
  await own.at.close();
});
