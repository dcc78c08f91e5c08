import { allow } from '@latchkey/domain/decision';
import type { OutboxRow, Write } from '@latchkey/domain/write';
import { later } from '@latchkey/protocol/types';
import type { Server } from '../server.ts';

/** Delivers messages of one topic; a throw is a failed attempt. Delivery is at least once. */
export type Deliver = (message: OutboxRow, server: Server) => Promise<void>;

const BATCH = 100;
const RETRY_FIRST_MILLISECONDS = 1_000;
const RETRY_LAST_MILLISECONDS = 3_600_000;
/** About two weeks of trying; then the message is given up, loudly. */
const ATTEMPTS_MAX = 340;

/** What is delivered where. An alert goes to the log, under a name of its own that a collector can look for. */
const TOPICS: Readonly<Record<string, Deliver>> = {
  alert: ({ id, body }, server) => {
    server.log.warn('alert delivered', { message: id, ...body });
    return Promise.resolve();
  },
};

/** Delivers what is due, oldest first. What fails is tried again later and later; what succeeds is removed. */
export async function deliverOutbox(server: Server, topics: Readonly<Record<string, Deliver>> = TOPICS): Promise<void> {
  const { now } = await server.store.read.moment();
  const due = await server.store.read.outbox(now, BATCH);
  server.metrics.set('latchkey_outbox_waiting', due.length);
  for (const message of due) {
    const writes = await attempt(message, topics, server);
    await server.commit(
      () => Promise.resolve(),
      () => allow(undefined, writes),
    );
  }
}

async function attempt(
  message: OutboxRow,
  topics: Readonly<Record<string, Deliver>>,
  server: Server,
): Promise<readonly Write[]> {
  const deliver = topics[message.topic];
  const { id, attempts } = message;
  if (deliver === undefined || attempts >= ATTEMPTS_MAX) {
    server.log.error('a message was given up', { message: id, topic: message.topic, attempts });
    return [{ kind: 'outbox.delivered', id }];
  }
  try {
    await deliver(message, server);
    return [{ kind: 'outbox.delivered', id }];
  } catch (error) {
    server.log.warn('a message was not delivered', { message: id, topic: message.topic, attempts, error });
    const wait = Math.min(RETRY_FIRST_MILLISECONDS * 2 ** Math.min(attempts, 30), RETRY_LAST_MILLISECONDS);
    return [{ kind: 'outbox.retry', id, at: later(server.now(), wait) }];
  }
}
