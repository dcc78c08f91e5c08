import type { Timers } from '@latchkey/protocol/timers';
import { keepRings } from './keys/rotate.ts';
import { deliverOutbox } from './outbox/worker.ts';
import type { Server } from './server.ts';

/** Rows that are removed in one transaction: little enough that no request waits for it. */
const EXPIRE_STEP = 500;
const EXPIRE_STEPS_MAX = 20;

const SECOND = 1_000;
const MINUTE = 60 * SECOND;

/** Work that comes round: expiry, key rotation, delivery. A round begins only when the one before has ended. */
export function startJobs(server: Server, timers: Timers): () => Promise<void> {
  const every = (milliseconds: number, name: string, work: () => Promise<void>) =>
    startJob({ milliseconds, name, work }, server, timers);
  const jobs = [
    every(30 * SECOND, 'expire', () => expire(server)),
    every(10 * MINUTE, 'rotate keys', () => keepRings(server)),
    every(10 * SECOND, 'count uses', () => server.usage.flush()),
    every(SECOND, 'outbox', () => deliverOutbox(server)),
  ];
  return async () => {
    await Promise.all(jobs.map((stop) => stop()));
  };
}

async function expire(server: Server): Promise<void> {
  for (let step = 0; step < EXPIRE_STEPS_MAX; step++) {
    const { now } = await server.store.read.moment();
    if ((await server.store.expire(now, EXPIRE_STEP)) < EXPIRE_STEP) return;
  }
}

interface Job {
  readonly milliseconds: number;
  readonly name: string;
  readonly work: () => Promise<void>;
}

function startJob({ milliseconds, name, work }: Job, server: Server, timers: Timers): () => Promise<void> {
  let running: Promise<void> | undefined;
  let stop = timers.inBackground(milliseconds, round);
  function round(): void {
    stop = timers.inBackground(milliseconds, round);
    running ??= work()
      .catch((error: unknown) => {
        server.metrics.count('latchkey_faults_total', { kind: 'job' });
        server.log.error('a job failed', { job: name, error });
      })
      .finally(() => {
        running = undefined;
      });
  }
  return async () => {
    stop();
    await running;
  };
}
