import { createStubIssuer, json, STUB_ISSUER, type StubIssuer, settle } from '@latchkey/testkit/stub-issuer';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { type FeedFollower, followFeed } from './feed.ts';
import { createStaleness } from './staleness.ts';
import { systemTimers } from './system-timers.ts';

let stub: StubIssuer;
let follower: FeedFollower | undefined;
let heard: unknown[];
let time: number;

beforeEach(async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  stub = await createStubIssuer();
  heard = [];
  time = 0;
});
afterEach(() => {
  follower?.close();
  vi.useRealTimers();
});

async function follow(basic?: string): Promise<ReturnType<typeof createStaleness>> {
  const staleness = createStaleness(() => time, 10);
  follower = followFeed(
    {
      issuer: STUB_ISSUER,
      maxStalenessSeconds: 10,
      basic,
      fetch: stub.fetch,
      timers: systemTimers,
      random: () => 0.5,
      onEvent: (event) => heard.push(event),
    },
    staleness,
    {
      revoked: ({ kind, id }) => heard.push(`${kind} ${id}`),
      heartbeat: () => heard.push('heartbeat'),
      unknownKind: () => heard.push('unknown'),
    },
  );
  await settle();
  return staleness;
}
async function pass(milliseconds: number): Promise<void> {
  await vi.advanceTimersByTimeAsync(milliseconds);
  await settle();
}
const headers = (nth: number) => Object.fromEntries(stub.streams[nth]?.request.headers ?? []);

test('a stream is asked for with the credential and without a cursor; redirects are not followed', async () => {
  await follow('Basic abc');
  expect(headers(0)).toEqual({ accept: 'text/event-stream', authorization: 'Basic abc' });
  expect([stub.streams[0]?.request.url, stub.streams[0]?.request.redirect]).toEqual([
    `${STUB_ISSUER}/revocations`,
    'error',
  ]);
});

test('what there is comes first, then a heartbeat: only then is the log known', async () => {
  const staleness = await follow();
  const [stream] = stub.streams;
  expect(follower?.state).toBe('connecting');
  await stream?.emit({ kind: 'family', id: 'fam_1', seq: 1 });
  expect([follower?.state, staleness.hasSnapshot]).toEqual(['connecting', false]);
  await stream?.beat(1_000);
  expect([follower?.state, staleness.hasSnapshot]).toEqual(['connected', true]);
  await stream?.emit({ kind: 'key', id: 'k1', seq: 2 });
  await stream?.beat(3_000);
  expect(heard).toEqual(['family fam_1', { event: 'feed_connected' }, 'heartbeat', 'key k1', 'heartbeat']);
});

describe('a stream that is lost is made again, and goes on where it was', () => {
  test('from the cursor of the last heartbeat', async () => {
    await follow();
    await stub.streams[0]?.beat(1_000, '7:41');
    await stub.streams[0]?.end();
    expect(follower?.state).toBe('lost');
    await pass(100);
    expect(headers(1)).toEqual({ accept: 'text/event-stream', 'last-event-id': '7:41' });
  });

  test('from the last event, where that came later', async () => {
    await follow();
    await stub.streams[0]?.beat(1_000, '7:41');
    await stub.streams[0]?.emit({ kind: 'family', id: 'fam_1', seq: 44 });
    await stub.streams[0]?.end();
    await pass(100);
    expect(headers(1)['last-event-id']).toBe('7:44');
  });

  test('after a random part of a wait that doubles from 200 ms to 5 s, and starts over with a heartbeat', async () => {
    await follow();
    stub.on('/revocations', () => json({ error: 'temporarily_unavailable' }, 503));
    await stub.streams[0]?.end();
    let asked = stub.asks('/revocations');
    for (const wait of [200, 400, 800, 1_600, 3_200, 5_000, 5_000]) {
      await pass(wait / 2 - 1); // the random number is a half
      expect(stub.asks('/revocations')).toBe(asked);
      await pass(1);
      expect(stub.asks('/revocations')).toBe(++asked);
    }
    stub.on('/revocations');
    await pass(2_500);
    await stub.streams[1]?.beat(1_000);
    await stub.streams[1]?.end();
    await pass(99);
    expect(stub.streams).toHaveLength(2);
    await pass(1);
    expect(stub.streams).toHaveLength(3);
  });

  test.each([
    ['an answer that is no 200', () => json({}, 401), 'the feed answered 401'],
    ['no connection', () => Promise.reject(new TypeError('fetch failed')), 'fetch failed'],
    ['an answer without a body', () => new Response(null, { status: 200 }), 'the feed answered 200'],
  ])('%s', async (_, handler, reason) => {
    stub.on('/revocations', handler);
    await follow();
    expect([follower?.state, heard]).toEqual(['lost', [{ event: 'feed_lost', reason }]]);
    stub.on('/revocations');
    await pass(100);
    expect(stub.streams).toHaveLength(1);
  });

  test.each([
    ['an event that is no JSON', 'event: revocation\ndata: {\n\n'],
    ['a heartbeat that is no JSON', 'event: heartbeat\ndata: x\n\n'],
    ['a heartbeat without a time', 'event: heartbeat\ndata: {"cursor":"7:1"}\n\n'],
    ['a heartbeat whose time is text', 'event: heartbeat\ndata: {"asOf":"1000","cursor":"7:1"}\n\n'],
    ['a line that is too long', `data: ${'x'.repeat(70_000)}`],
  ])('%s ends it, and tells nothing', async (_, text) => {
    const staleness = await follow();
    await stub.streams[0]?.send(text);
    expect([follower?.state, stub.streams[0]?.isOpen, staleness.hasSnapshot]).toEqual(['lost', false, false]);
    expect(heard).toEqual([{ event: 'feed_lost', reason: expect.any(String) }]);
    await pass(100);
    expect(stub.streams).toHaveLength(2);
  });

  test('heartbeats that lag end it: a new stream says how things stand', async () => {
    const staleness = await follow();
    await stub.streams[0]?.beat(1_000_000);
    time += 2_000;
    await stub.streams[0]?.beat(400); // the clock of the server was put back
    expect(follower?.state).toBe('lost');
    await pass(100);
    await stub.streams[1]?.beat(500);
    expect([follower?.state, staleness.milliseconds()]).toEqual(['connected', 0]);
  });
});

describe('a silent stream is taken for dead after three heartbeats without one', () => {
  test.each([5_999, 6_000, 6_001])('%d ms of silence', async (silence) => {
    await follow();
    await stub.streams[0]?.beat(1_000);
    await pass(silence);
    expect(stub.streams[0]?.isOpen).toBe(silence < 6_000);
  });

  test('any byte breaks the silence', async () => {
    await follow();
    await stub.streams[0]?.beat(1_000);
    for (let times = 0; times < 5; times++) {
      await pass(4_000);
      await stub.streams[0]?.send(':');
    }
    expect(stub.streams[0]?.isOpen).toBe(true);
  });

  test('a server that takes the request and never answers is given up after half the bound', async () => {
    stub.on(
      '/revocations',
      (request) =>
        new Promise((_, reject) => {
          request.signal.addEventListener('abort', () => reject(request.signal.reason));
        }),
    );
    await follow();
    await pass(4_999);
    expect(follower?.state).toBe('connecting');
    await pass(1);
    expect([follower?.state, heard]).toEqual(['lost', [{ event: 'feed_lost', reason: 'the feed is silent' }]]);
  });
});

test.each([
  ['a kind of a later release', { epoch: 7, seq: 1, kind: 'planet', id: 'x', exp: 1 }],
  ['a kind that is a name of objects', { epoch: 7, seq: 1, kind: 'constructor', id: 'x', exp: 1 }],
  ['no kind', { epoch: 7, seq: 1, id: 'x', exp: 1 }],
  ['no id', { epoch: 7, seq: 1, kind: 'family', exp: 1 }],
  ['an id that is no text', { epoch: 7, seq: 1, kind: 'family', id: 1, exp: 1 }],
  ['no end', { epoch: 7, seq: 1, kind: 'family', id: 'x' }],
  ['a place that is text', { epoch: '7', seq: '1', kind: 'family', id: 'x', exp: 1 }],
  ['no object', null],
])('an event of %s may mean anything', async (_, event) => {
  await follow();
  await stub.streams[0]?.send(`event: revocation\nid: 7:1\ndata: ${JSON.stringify(event)}\n\n`);
  expect(heard).toEqual(['unknown']);
});

test('so may an event of another name', async () => {
  await follow();
  await stub.streams[0]?.send('event: restart\ndata: {}\n\ndata: {}\n\n');
  expect(heard).toEqual(['unknown', 'unknown']);
});

test('closed, it ends its stream and asks for no other', async () => {
  await follow();
  await stub.streams[0]?.beat(1_000);
  follower?.close();
  await pass(60_000);
  expect([follower?.state, stub.streams[0]?.isOpen, stub.streams.length]).toEqual(['closed', false, 1]);
  expect(heard).toEqual([{ event: 'feed_connected' }, 'heartbeat']);
});

test('closed while it waits to come again, it does not come', async () => {
  stub.on('/revocations', () => json({}, 503));
  await follow();
  follower?.close();
  await pass(60_000);
  expect([follower?.state, stub.asks('/revocations')]).toEqual(['closed', 1]);
});
