import { REVOCATION_KINDS, type RevocationEvent, type RevocationKind } from '@latchkey/protocol/claims';
import { DURATIONS } from '@latchkey/protocol/limits';
import type { Timers } from '@latchkey/protocol/timers';
import type { EpochSeconds } from '@latchkey/protocol/types';
import { createEventStreamParser, type StreamEvent } from './event-stream.ts';
import type { Config } from './options.ts';
import type { Staleness } from './staleness.ts';

/** What the follower of the feed tells. */
export interface FeedListener {
  revoked(event: RevocationEvent): void;
  /** What came before it is complete. */
  heartbeat(): void;
  /** An event of a kind that this release does not know: it may mean anything. */
  unknownKind(): void;
}

export interface FeedFollower {
  /** `off` where no feed is followed. */
  readonly state: 'connecting' | 'connected' | 'lost' | 'closed' | 'off';
  close(): void;
}

const FIRST_WAIT = 100;
const LONGEST_WAIT = 5_000;
/** Without a byte for so long, a connection is taken for dead. */
const SILENCE_MAX = 3 * DURATIONS.heartbeatInterval * 1000;

type Part = Pick<Config, 'maxStalenessSeconds' | 'issuer' | 'basic' | 'fetch' | 'random' | 'timers' | 'onEvent'>;

/**
 * Follows the feed for as long as it is not closed. A lost connection is made again after a random wait, so that the
 * verifiers of a server that comes back do not come all at once, and goes on where it was.
 */
export function followFeed(config: Part, staleness: Staleness, listener: FeedListener): FeedFollower {
  const closing = new AbortController();
  let state: FeedFollower['state'] = 'connecting';
  let cursor: string | undefined;
  let failures = 0;

  async function follow(): Promise<void> {
    while (!closing.signal.aborted) {
      try {
        await readStream();
        failures += 1; // a stream has no end of its own
      } catch (error) {
        failures += 1;
        if (closing.signal.aborted) return;
        config.onEvent({ event: 'feed_lost', reason: error instanceof Error ? error.message : String(error) });
      }
      state = closing.signal.aborted ? 'closed' : 'lost';
      await wait(config.random() * Math.min(LONGEST_WAIT, FIRST_WAIT * 2 ** Math.min(failures, 10)));
    }
  }

  async function readStream(): Promise<void> {
    const silence = createWatchdog(config.timers, Math.min(SILENCE_MAX, config.maxStalenessSeconds * 500), SILENCE_MAX);
    const onAbort = () => silence.abort();
    closing.signal.addEventListener('abort', onAbort);
    try {
      const beat = staleness.requested();
      const response = await config.fetch(`${config.issuer}/revocations`, {
        headers: {
          accept: 'text/event-stream',
          ...(config.basic === undefined ? {} : { authorization: config.basic }),
          ...(cursor === undefined ? {} : { 'last-event-id': cursor }),
        },
        redirect: 'error',
        signal: silence.signal,
      });
      if (!response.ok || response.body === null) {
        await response.body?.cancel();
        throw new Error(`the feed answered ${response.status}`);
      }
      const parse = createEventStreamParser((event) => take(event, beat));
      const decoder = new TextDecoder();
      for await (const chunk of response.body as AsyncIterable<Uint8Array>) {
        silence.reset();
        parse(decoder.decode(chunk, { stream: true }));
      }
    } finally {
      closing.signal.removeEventListener('abort', onAbort);
      silence.stop();
    }
  }

  function take({ event, id, data }: StreamEvent, beat: (asOf: number) => void): void {
    if (event === 'revocation') {
      const read = eventOf(data);
      if (read === undefined) listener.unknownKind();
      else listener.revoked(read);
      if (id !== undefined) cursor = id;
      return;
    }
    if (event !== 'heartbeat') {
      listener.unknownKind();
      return;
    }
    const { asOf, cursor: place } = JSON.parse(data) as { readonly asOf: number; readonly cursor: string };
    if (!Number.isFinite(asOf)) throw new Error('a heartbeat without its time');
    cursor = place;
    if (state !== 'connected') config.onEvent({ event: 'feed_connected' });
    state = 'connected';
    failures = 0;
    beat(asOf);
    listener.heartbeat();
  }

  function wait(milliseconds: number): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        stop();
        closing.signal.removeEventListener('abort', done);
        resolve();
      };
      const stop = config.timers.after(milliseconds, done);
      closing.signal.addEventListener('abort', done);
    });
  }

  void follow();
  return {
    get state() {
      return state;
    },
    close() {
      state = 'closed';
      closing.abort();
    },
  };
}

const KINDS: ReadonlySet<string> = new Set(REVOCATION_KINDS);

/** Reads an event; undefined for one that is not understood in full. */
function eventOf(data: string): RevocationEvent | undefined {
  const value: unknown = JSON.parse(data);
  if (typeof value !== 'object' || value === null) return undefined;
  const { epoch, seq, kind, id, exp } = value as Readonly<Record<string, unknown>>;
  if (typeof epoch !== 'number' || typeof seq !== 'number' || typeof exp !== 'number') return undefined;
  if (typeof kind !== 'string' || typeof id !== 'string' || !KINDS.has(kind)) return undefined;
  return { epoch, seq, kind: kind as RevocationKind, id, exp: exp as EpochSeconds };
}

/**
 * Aborts after a time in which nobody reset it. The first time is shorter: what a stream tells counts from the moment it
 * was asked for, so one that was slow to begin would look old for as long as it lives.
 */
function createWatchdog(timers: Timers, firstMilliseconds: number, milliseconds: number) {
  const controller = new AbortController();
  const abort = () => controller.abort(new Error('the feed is silent'));
  let stop = timers.after(firstMilliseconds, abort);
  return {
    signal: controller.signal,
    abort: () => controller.abort(),
    reset() {
      stop();
      stop = timers.after(milliseconds, abort);
    },
    stop: () => stop(),
  };
}
