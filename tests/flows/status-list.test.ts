import { STATUS_LIST_SIZE } from '@latchkey/domain/tokens/status-place';
import type { EpochSeconds } from '@latchkey/protocol/types';
import { testClock } from '@latchkey/testkit/clock';
import { populate, type World } from '@latchkey/testkit/people';
import {
  addClient,
  addResource,
  form,
  jsonBody,
  startTestServer,
  type WithSecret,
} from '@latchkey/testkit/test-server';
import { decodeUnverified } from '@latchkey/tokens/formats/access-token-jwt';
import { type StatusList, statusAt } from '@latchkey/tokens/formats/status-list';
import { decodeStatusListToken, type StatusListToken } from '@latchkey/tokens/formats/status-list-token';
import { generateEncryptionKeyPair } from '@latchkey/tokens/keys/encryption-key';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { addAdministrator } from './admin/administrator.ts';
import { refusalOf, refusedAs } from './refusal.ts';

let world: World;
let api: Awaited<ReturnType<typeof addResource>>;
let machine: Awaited<ReturnType<typeof addClient>>;
const clock = testClock();
let steady = 0;
/** What each look at the clock takes. */
let slow = 0;
beforeEach(async () => {
  steady = 0;
  slow = 0;
  world = await populate(
    await startTestServer({
      now: clock.now,
      monotonic: () => {
        steady += slow;
        return steady;
      },
    }),
  );
  api = await addResource(world.at.server, { hasStatusList: true });
  machine = await addClient(world.at.server, { resources: [api.row.identifier] });
});
afterEach(() => world.at.close());

function pass(milliseconds: number): void {
  clock.advance(milliseconds);
  steady += milliseconds;
}
async function issue(of: WithSecret<unknown> = machine): Promise<string> {
  const fields = { grant_type: 'client_credentials', resource: api.row.identifier };
  const answer = await world.at.fetch('/oauth/token', form(fields, { authorization: of.basic }));
  return (await answer.json()).access_token;
}
interface Place {
  readonly idx: number;
  readonly uri: string;
}
function placeOf(token: string): Place {
  const status = decodeUnverified(token)?.claims.status;
  if (typeof status !== 'object' || status === null || !('status_list' in status)) throw new Error('no status');
  return status.status_list as Place;
}
const revoke = (token: string) => world.at.fetch('/oauth/revoke', form({ token }, { authorization: machine.basic }));

async function listAt(uri: string): Promise<StatusListToken> {
  const answer = await world.at.fetch(uri);
  const { catalogue, now } = await world.at.server.store.read.moment();
  const { keySet } = await world.at.server.keys.at(catalogue);
  const expected = { uri, leewaySeconds: 0 };
  const token = await decodeStatusListToken(await answer.text(), keySet, expected, (now / 1000) as EpochSeconds);
  if (!token.ok) throw new Error(token.error);
  return token.value;
}
const statusOf = async (token: string) => statusAt((await listAt(placeOf(token).uri)).list, placeOf(token).idx);
const ones = ({ bytes }: StatusList) =>
  bytes.reduce((sum, byte) => sum + byte.toString(2).replaceAll('0', '').length, 0);

test('TSL-01 TSL §6.1: each token of a resource with a status list names its place there, no other does', async () => {
  const [one, other] = [placeOf(await issue()), placeOf(await issue())];
  expect(one).toEqual({ idx: expect.any(Number), uri: `${world.at.issuer}/status-lists/1` });
  expect(other.uri).toBe(one.uri);
  expect(other.idx).not.toBe(one.idx);
  const plain = String((await world.login()).body.access_token);
  expect(decodeUnverified(plain)?.claims.status).toBeUndefined();
});

test('TSL-02 TSL §5.1: a list says where it is, when it was signed, until when and for how long it is good', async () => {
  const { uri } = placeOf(await issue());
  const { list, ...told } = await listAt(uri);
  const iat = Math.floor(clock.now() / 1000);
  expect(told).toEqual({ uri, iat, exp: iat + 900, ttl: 28 });
  expect([list.bits, list.bytes.length, ones(list)]).toEqual([1, STATUS_LIST_SIZE / 8, 0]);
});

test('REV-07, TSL-10: a revocation shows in the next list, and in no other place of it', async () => {
  const [kept, gone] = [await issue(), await issue()];
  expect([await statusOf(kept), await statusOf(gone)]).toEqual([0, 0]);
  expect((await revoke(gone)).status).toBe(200);
  expect([await statusOf(kept), await statusOf(gone)]).toEqual([0, 1]);
  expect(ones((await listAt(placeOf(gone).uri)).list)).toBe(1);
});

test('whatever ends a token shows: a client, a person, everything', async () => {
  const { server } = world.at;
  const other = await addClient(server, { resources: [api.row.identifier] });
  const tokens = [await issue(), await issue(other)];
  const emit = (kind: 'client' | 'all', id: string) =>
    server.commit(
      () => Promise.resolve(),
      (_, { now }) => ({
        outcome: { ok: true, value: 0 },
        expects: [],
        writes: [
          { kind: 'revocation.emit', event: { kind, id, exp: (Math.floor(now / 1000) + 3_780) as EpochSeconds } },
        ],
      }),
    );
  await emit('client', other.row.id);
  expect(await Promise.all(tokens.map(statusOf))).toEqual([0, 1]);
  await emit('all', '');
  expect(await Promise.all(tokens.map(statusOf))).toEqual([1, 1]);
});

test('TSL-11, TSL-12 TSL §8.1, §8.2: the list is for everybody, of its own type, and changes its ETag with its content', async () => {
  const token = await issue();
  const { uri } = placeOf(token);
  const get = (headers: Record<string, string> = {}) =>
    world.at.fetch(uri, {
      headers: { accept: 'application/statuslist+jwt', origin: 'https://any.example', ...headers },
    });
  const first = await get();
  expect([first.status, Object.fromEntries(first.headers)]).toEqual([
    200,
    expect.objectContaining({
      'content-type': 'application/statuslist+jwt',
      'cache-control': 'public, max-age=30',
      'access-control-allow-origin': '*',
      etag: expect.stringMatching(/^"[\w-]{22}"$/),
    }),
  ]);
  expect(first.headers.has('set-cookie')).toBe(false);
  const etag = String(first.headers.get('etag'));
  const same = await get({ 'if-none-match': etag });
  expect([same.status, await same.text()]).toEqual([304, '']);
  await revoke(token);
  const changed = await get({ 'if-none-match': etag });
  expect([changed.status, changed.headers.get('etag') === etag]).toEqual([200, false]);
});

test('a list that is slow to build is not built for each question: it rests, for no longer than promised', async () => {
  const token = await issue();
  slow = 50;
  expect(await statusOf(token)).toBe(0);
  slow = 0;
  const kept = (await listAt(placeOf(token).uri)).list;
  await revoke(token);
  expect((await listAt(placeOf(token).uri)).list).toEqual(kept);
  pass(2_000);
  expect(await statusOf(token)).toBe(1);
});

test('a list is built once for a place in the log, and signed anew before it ends', async () => {
  const { uri } = placeOf(await issue());
  const get = async () => (await world.at.fetch(uri)).text();
  const [one, ...others] = await Promise.all(Array.from({ length: 8 }, get));
  expect(new Set(others)).toEqual(new Set([one]));
  pass(299_999);
  expect(await get()).toBe(one);
  pass(1);
  expect(await get()).not.toBe(one);
});

test('TSL-10: a token that was granted before a cut-off and recorded after it shows within the promised time', async () => {
  const { uri } = placeOf(await issue());
  await listAt(uri);
  await issue();
  const before = await listAt(uri);
  pass(2_000);
  const after = await listAt(uri);
  expect(after.iat - before.iat).toBe(2);
  expect(Number(after.ttl) + 2).toBe(world.at.server.settings.statusListSeconds);
});

test('TSL-14 TSL §12.1: a thousand tokens at once have a thousand places', async () => {
  const tokens = await Promise.all(Array.from({ length: 1_000 }, () => issue()));
  const places = tokens.map((token) => JSON.stringify(placeOf(token)));
  expect(new Set(places).size).toBe(1_000);
});

test('TSL-13 TSL §13.5: indexes are random: they do not tell in what order tokens were made', async () => {
  const indexes: number[] = [];
  for (let n = 0; n < 20; n++) indexes.push(placeOf(await issue()).idx);
  expect(indexes).not.toEqual(indexes.toSorted((a, b) => a - b));
  expect(Math.max(...indexes) - Math.min(...indexes)).toBeGreaterThan(STATUS_LIST_SIZE / 4);
});

test('TSL-16 TSL §9: the metadata say where all lists are', async () => {
  const { uri } = placeOf(await issue());
  const metadata = await (await world.at.fetch('/.well-known/oauth-authorization-server')).json();
  const answer = await world.at.fetch(metadata.status_list_aggregation_endpoint);
  expect([answer.headers.get('content-type'), await answer.json()]).toEqual([
    'application/json',
    { status_lists: [uri] },
  ]);
});

test('TSL-17 TSL §8.4: what a list said at another time is not told', async () => {
  const { uri } = placeOf(await issue());
  const answer = await world.at.fetch(`${uri}?time=1686925000`);
  expect([answer.status, (await answer.json()).error]).toEqual([501, 'not_implemented']);
  const logged = world.at.logged.map((line) => JSON.parse(line).error);
  expect(logged).toContain('status_time_unsupported');
});

test.each(['0', '2', '01', '1.0', '-1', 'x', '9'.repeat(16)])('there is no status list %s', async (number) => {
  await issue();
  expect((await world.at.fetch(`/status-lists/${number}`)).status).toBe(404);
});

test('a record goes when nobody accepts its token any more, and its place is never taken again', async () => {
  const { store } = world.at.server;
  const { idx, uri } = placeOf(await issue());
  const records = async () => (await store.read.statusRecords(1, { after: undefined, limit: 9 })).length;
  const left: number[] = [];
  for (const seconds of [479, 1]) {
    pass(seconds * 1000);
    await store.expire(clock.now(), 100);
    left.push(await records());
  }
  expect(left).toEqual([1, 0]);
  expect(await store.read.isStatusTaken({ list: 1, index: idx })).toBe(true);
  expect((await listAt(uri)).list.bytes.length).toBe(STATUS_LIST_SIZE / 8);
});

test('TSL §6.1: a status list for tokens that nobody else can read is refused, and changes nothing', async () => {
  const admin = await addAdministrator(world.at);
  const wanted = { identifier: 'https://other.example', name: 'Other', status_list: true };
  const before = (await admin.get('/resources')).body;
  const headers = { authorization: `Bearer ${admin.token}` };
  for (const form of [{ format: 'opaque' }, { algorithm: 'HS256' }]) {
    const made = await world.at.fetch('/admin/api/resources', jsonBody({ ...wanted, ...form }, headers));
    expect(await refusalOf(world.at, made)).toEqual(refusedAs('status_list_unsupported'));
    expect((await admin.patch(`/resources/${api.row.id}`, form)).status).toBe(422);
  }
  expect((await admin.get('/resources')).body).toEqual(before);
  expect((await admin.patch(`/resources/${api.row.id}`, { format: 'opaque', status_list: false })).status).toBe(200);
});

test('INT-03: an encrypted token with a place is not active when its time is over, though its row is kept longer', async () => {
  const { publicJwk } = await generateEncryptionKeyPair('X25519');
  const own = await addResource(world.at.server, { format: 'jwe', encryptionKey: publicJwk, hasStatusList: true });
  const client = await addClient(world.at.server, { resources: [own.row.identifier] });
  const asked = form({ grant_type: 'client_credentials' }, { authorization: client.basic });
  const { access_token: token } = await (await world.at.fetch('/oauth/token', asked)).json();
  const isActive = async () => {
    const answer = await world.at.fetch('/oauth/introspect', form({ token }, { authorization: own.basic }));
    return (await answer.json()).active;
  };
  const told: boolean[] = [];
  for (const milliseconds of [299_999, 1]) {
    pass(milliseconds);
    told.push(await isActive());
  }
  expect(told).toEqual([true, false]);
  expect(await world.at.server.store.read.statusRecords(1, { after: undefined, limit: 9 })).toHaveLength(1);
});
