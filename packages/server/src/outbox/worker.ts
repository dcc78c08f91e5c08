import { allow } from '@latchkey/domain/decision';
import type { OutboxRow, Write } from '@latchkey/domain/write';
import { LIMITS } from '@latchkey/protocol/limits';
import { type EpochMilliseconds, later } from '@latchkey/protocol/types';
import type { Server } from '../server.ts';
import { type Delivery, TOPICS, type Topic } from './topics.ts';

const RETRY_FIRST_MILLISECONDS = 1_000;
const RETRY_LAST_MILLISECONDS = 3_600_000;
/** What one receiver may take of a round; then its other messages wait for the next one. */
const RECEIVER_MILLISECONDS = 1_000;
/** After so long no further round begins before the worker comes again: a stop must not wait for all that is due. */
const ROUNDS_MILLISECONDS = 10_000;

type Topics = Readonly<Record<string, Topic>>;

/**
 * Delivers what is due, at least once. What fails is tried again later and later, until its topic gives it up; what
 * succeeds is removed, each message by itself.
 *
 * A receiver gets its messages one after another, several receivers at the same time. One that fails, or takes longer
 * than its share of a round, has the rest of its messages put off unseen, so that they stand in nobody's way, however
 * many rounds they fill. What takes the place of a message goes out at once.
 */
export async function deliverOutbox(server: Server, topics: Topics = TOPICS): Promise<void> {
  const leftAlone: LeftAlone = new Map();
  const began = server.steady();
  while (await round(server, topics, leftAlone)) if (server.steady() - began >= ROUNDS_MILLISECONDS) return;
}

/** Receivers that had their turn and did not come to an end of it, and until when they are left alone at least. */
type LeftAlone = Map<string, EpochMilliseconds>;

/** Goes once through what is due, as far as a round goes; tells whether there may be more. */
async function round(server: Server, topics: Topics, leftAlone: LeftAlone): Promise<boolean> {
  const { now } = await server.store.read.moment();
  const due = await server.store.read.outbox(now, LIMITS.outboxBatch);
  server.metrics.set('latchkey_outbox_waiting', due.length);
  const queues = [...byReceiver(due, topics)];
  const waiting = [...queues];
  const serve = async () => {
    for (let queue = waiting.shift(); queue !== undefined; queue = waiting.shift())
      await serveQueue(queue, server, leftAlone);
  };
  const served = await Promise.allSettled(Array.from({ length: LIMITS.outboxReceiversAtOnce }, serve));
  const fault = served.find(({ status }) => status === 'rejected');
  if (fault?.status === 'rejected') throw fault.reason;
  return due.length === LIMITS.outboxBatch || queues.some(({ topic }) => topic !== undefined && 'replace' in topic);
}

interface Queue {
  readonly key: string;
  readonly topic: Topic | undefined;
  readonly receiver: string;
  readonly messages: readonly OutboxRow[];
}

/** The messages of each receiver, oldest first. */
function byReceiver(due: readonly OutboxRow[], topics: Topics): Iterable<Queue> {
  const queues = new Map<string, Queue>();
  for (const message of due) {
    const topic = topics[message.topic];
    const receiver = topic !== undefined && 'deliver' in topic ? topic.receiver(message) : '';
    const key = `${message.topic} ${receiver}`;
    queues.set(key, { key, topic, receiver, messages: [...(queues.get(key)?.messages ?? []), message] });
  }
  return queues.values();
}

async function serveQueue(
  { key, topic, receiver, messages }: Queue,
  server: Server,
  leftAlone: LeftAlone,
): Promise<void> {
  const until = leftAlone.get(key);
  if (until !== undefined) {
    const soonest = later(server.now(), RETRY_FIRST_MILLISECONDS);
    return putOff(messages, until < soonest ? soonest : until, server);
  }
  const leave = (left: readonly OutboxRow[], at: EpochMilliseconds) => {
    leftAlone.set(key, at);
    return putOff(left, at, server);
  };
  const began = server.steady();
  for (const [place, message] of messages.entries()) {
    const left = messages.slice(place + 1);
    if (topic === undefined) await giveUp(message, receiver, server);
    else if ('replace' in topic) await topic.replace(message, server);
    else {
      const failedUntil = await attempt(message, topic, receiver, server);
      if (failedUntil !== undefined) return leave(left, failedUntil);
    }
    if (server.steady() - began >= RECEIVER_MILLISECONDS)
      return leave(left, later(server.now(), RETRY_FIRST_MILLISECONDS));
  }
}

/** Tries to deliver one; resolves with the time until which its receiver is left alone, if that failed. */
async function attempt(
  message: OutboxRow,
  { deliver, giveUpAfterSeconds }: Delivery,
  receiver: string,
  server: Server,
): Promise<EpochMilliseconds | undefined> {
  const { id, attempts, topic } = message;
  if (server.now() >= later(message.at, giveUpAfterSeconds * 1000)) {
    await giveUp(message, receiver, server);
    return undefined;
  }
  try {
    await deliver(message, server);
  } catch (error) {
    server.log.warn('a message was not delivered', { message: id, topic, receiver, attempts, error });
    const wait = Math.min(RETRY_FIRST_MILLISECONDS * 2 ** Math.min(attempts, 30), RETRY_LAST_MILLISECONDS);
    const until = later(server.now(), wait);
    await write([{ kind: 'outbox.retry', id, at: until }], server);
    return until;
  }
  await write([{ kind: 'outbox.delivered', id }], server);
  return undefined;
}

async function giveUp({ id, topic, attempts }: OutboxRow, receiver: string, server: Server): Promise<void> {
  await write([{ kind: 'outbox.delivered', id }], server);
  server.log.error('a message was given up', { message: id, topic, receiver, attempts });
  server.metrics.count('latchkey_alerts_total', { event: 'outbox.given_up' });
}

const putOff = (messages: readonly OutboxRow[], at: EpochMilliseconds, server: Server): Promise<void> =>
  write(
    messages.map(({ id }) => ({ kind: 'outbox.postpone', id, at })),
    server,
  );

async function write(writes: readonly Write[], server: Server): Promise<void> {
  if (writes.length === 0) return;
  await server.commit(
    () => Promise.resolve(),
    () => allow(undefined, writes),
  );
}
