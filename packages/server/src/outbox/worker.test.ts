import { transact } from '@latchkey/domain/transact';
import { LIMITS } from '@latchkey/protocol/limits';
import { testClock } from '@latchkey/testkit/clock';
import { put } from '@latchkey/testkit/conformance/conformance-case';
import { createMemoryStore } from '@latchkey/testkit/memory-store';
import { expect, test } from 'vitest';
import type { Server } from '../server.ts';
import type { Topic } from './topics.ts';
import { deliverOutbox } from './worker.ts';

/** A queue, and what became of its messages. Whatever a receiver does takes time on the clock of the test only. */
function createQueue(deliver: (receiver: string, name: string) => Promise<void>) {
  const clock = testClock();
  const store = createMemoryStore({ now: clock.now });
  const lines: string[] = [];
  const counted: unknown[] = [];
  const line = (event: string, fields: object = {}) =>
    void lines.push(`${event} ${'receiver' in fields ? fields.receiver : ''}`);
  const server = {
    store,
    commit: (load, decide) => transact(store, load, decide),
    log: { info: line, warn: line, error: line },
    metrics: { count: (name: string, labels: object) => void counted.push([name, labels]), set() {} },
    now: clock.now,
    steady: clock.now,
  } as Pick<Server, 'store' | 'commit' | 'now' | 'steady'> as Server;
  const topics: Readonly<Record<string, Topic>> = {
    post: {
      deliver: ({ body }) => deliver(String(body.to), String(body.name)),
      receiver: ({ body }) => String(body.to),
      giveUpAfterSeconds: 60,
    },
    split: {
      replace: async ({ id }) => {
        const message = { topic: 'post', body: { to: 'both', name: 'part' }, at: clock.now() };
        await put(store, { kind: 'outbox.delivered', id }, { kind: 'outbox.enqueue', message });
      },
    },
  };
  return {
    clock,
    lines,
    counted,
    add: (topic: string, to: string, name: string) =>
      put(store, { kind: 'outbox.enqueue', message: { topic, body: { to, name }, at: clock.now() } }),
    round: (more: Readonly<Record<string, Topic>> = {}) => deliverOutbox(server, { ...topics, ...more }),
    /** What waits, with how often it was tried and in how many milliseconds it is due. */
    waiting: () =>
      store.committed.outbox.map(({ body, attempts, dueAt }) => [body.name, attempts, dueAt - clock.now()]),
  };
}

test('what is delivered goes, each by itself, and a receiver gets its messages in their order', async () => {
  const got: string[] = [];
  const queue = createQueue(async (to, name) => void got.push(to + name));
  for (const name of ['1', '2', '3']) for (const to of ['a', 'b']) await queue.add('post', to, name);
  await queue.round();
  expect([...got].sort()).toEqual(['a1', 'a2', 'a3', 'b1', 'b2', 'b3']);
  expect(got.filter((one) => one.startsWith('a'))).toEqual(['a1', 'a2', 'a3']);
  expect(queue.waiting()).toEqual([]);
});

test('LOGO-04: what fails is tried again later and later; the rest for that receiver waits untried', async () => {
  let isUp = false;
  const tried: string[] = [];
  const queue = createQueue(async (to, name) => {
    tried.push(to + name);
    if (to === 'a' && !isUp) throw new Error('down');
  });
  for (const name of ['1', '2']) for (const to of ['a', 'b']) await queue.add('post', to, name);
  for (const [attempts, wait] of [1_000, 2_000, 4_000].entries()) {
    await queue.round();
    expect(queue.waiting()).toEqual([
      ['1', attempts + 1, wait],
      ['2', 0, wait],
    ]);
    queue.clock.advance(wait - 1);
    await queue.round();
    queue.clock.advance(1);
  }
  expect(tried).toEqual(['a1', 'b1', 'b2', 'a1', 'a1']);
  isUp = true;
  await queue.round();
  expect([queue.waiting(), tried.slice(5)]).toEqual([[], ['a1', 'a2']]);
  expect(queue.lines).toEqual(Array.from({ length: 3 }, () => 'a message was not delivered a'));
});

test.each([
  [59_999, [], ['a']],
  [60_000, [['latchkey_alerts_total', { event: 'outbox.given_up' }]], []],
])('LOGO-04: after %d milliseconds a message is given up, or not: %j', async (after, counted, tried) => {
  const got: string[] = [];
  const queue = createQueue(async (to) => void got.push(to));
  await queue.add('post', 'a', '1');
  queue.clock.advance(after);
  await queue.round();
  expect([got, queue.counted, queue.waiting()]).toEqual([tried, counted, []]);
});

test('a receiver that takes long has the rest put off, and delays nobody else', async () => {
  const got: string[] = [];
  const queue = createQueue(async (to, name) => {
    if (to === 'slow') queue.clock.advance(1_000);
    got.push(to + name);
  });
  for (const name of ['1', '2']) await queue.add('post', 'slow', name);
  await queue.add('post', 'quick', '1');
  await queue.round();
  expect([...got].sort()).toEqual(['quick1', 'slow1']);
  expect(queue.waiting()).toEqual([['2', 0, 1_000]]);
});

test('receivers are served at the same time, so many and no more', async () => {
  let [open, most] = [0, 0];
  const queue = createQueue(async () => {
    most = Math.max(most, ++open);
    await new Promise((resolve) => setTimeout(resolve, 5));
    open -= 1;
  });
  for (let n = 0; n <= LIMITS.outboxReceiversAtOnce; n++) await queue.add('post', `to ${n}`, '1');
  await queue.round();
  expect([most, queue.waiting()]).toEqual([LIMITS.outboxReceiversAtOnce, []]);
});

test('more messages than a round looks at go out all the same', async () => {
  let got = 0;
  const queue = createQueue(async () => void got++);
  for (let n = 0; n <= LIMITS.outboxBatch; n++) await queue.add('post', 'a', String(n));
  await queue.round();
  expect([got, queue.waiting()]).toEqual([LIMITS.outboxBatch + 1, []]);
});

test('LOGO-04: one that is dead, and whose messages fill many rounds, costs the others one attempt', async () => {
  const tried: string[] = [];
  const queue = createQueue(async (to) => {
    tried.push(to);
    if (to === 'quick') return;
    queue.clock.advance(5_000);
    throw new Error('down');
  });
  for (let n = 0; n < 3 * LIMITS.outboxBatch; n++) await queue.add('post', 'dead', String(n));
  await queue.add('post', 'quick', '1');
  await queue.round();
  expect(tried).toEqual(['dead', 'quick']);
  expect(queue.waiting()).toHaveLength(3 * LIMITS.outboxBatch);
});

test('a message is replaced by what follows from it, which goes out at once; one that nobody knows is given up', async () => {
  const got: string[] = [];
  const queue = createQueue(async (to, name) => void got.push(to + name));
  await queue.add('split', 'all', '1');
  await queue.add('unknown', 'x', '1');
  await queue.round();
  expect([got, queue.lines, queue.waiting()]).toEqual([['bothpart'], ['a message was given up '], []]);
});

test('a fault of our own in one queue stops no other, and is told', async () => {
  const got: string[] = [];
  const queue = createQueue(async (to) => void got.push(to));
  const broken = new Error('broken');
  await queue.add('post', 'a', '1');
  await queue.add('broken', 'x', '1');
  await expect(queue.round({ broken: { replace: () => Promise.reject(broken) } })).rejects.toBe(broken);
  expect(got).toEqual(['a']);
});
