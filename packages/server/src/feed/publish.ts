import { isSecretLive } from '@latchkey/domain/clients/secret';
import { allow } from '@latchkey/domain/decision';
import type { Moment } from '@latchkey/domain/ports/reader';
import { LIMITS } from '@latchkey/protocol/limits';
import { isBefore, type Position } from '@latchkey/protocol/position';
import type { Timers } from '@latchkey/protocol/timers';
import type { EpochMilliseconds, EpochSeconds } from '@latchkey/protocol/types';
import type { Server } from '../server.ts';
import { eventFrame, heartbeatFrame } from './events.ts';
import type { Feed, FeedCredential, FeedReader } from './feed.ts';

interface Frame {
  readonly seq: number;
  readonly exp: EpochSeconds;
  readonly text: string;
}

type Part = Pick<Server, 'store' | 'commit' | 'metrics' | 'log' | 'now' | 'steady'>;

export interface FeedOptions {
  readonly heartbeatMilliseconds: number;
  readonly timers: Timers;
}

/**
 * Follows the log and passes it on: one read of the log for all readers, one text of an event for all streams.
 *
 * A heartbeat says when the node *began* its last successful read. Without a new read there is no heartbeat, so that a
 * reader behind a node that lost its database counts itself as stale, however well the connection is. Readers look at
 * the differences of these times, so they are of a clock that nobody sets.
 */
export function createFeed(server: Part, { heartbeatMilliseconds, timers }: FeedOptions): Feed {
  const readers = new Set<FeedReader>();
  const perCredential = new Map<string, number>();
  let frames: Frame[] = [];
  let snapshot: string | undefined;
  let position: Position = { epoch: 0, seq: 0 };
  let asOf: EpochMilliseconds | undefined;
  let reading: Promise<void> | undefined;
  let isWanted = false;
  let stopBeating: (() => void) | undefined;
  let stopListening: (() => void) | undefined;

  /** One read at a time; whatever is asked for meanwhile gets one more. */
  function read(heartbeat: boolean): Promise<void> {
    isWanted = true;
    reading ??= (async () => {
      try {
        while (isWanted) {
          isWanted = false;
          await readOnce();
        }
      } finally {
        reading = undefined;
      }
    })();
    return heartbeat ? reading.then(beat) : reading;
  }

  async function readOnce(): Promise<void> {
    const began = server.steady();
    const moment = await server.store.read.moment();
    let fresh = '';
    let seq = position.seq;
    for (;;) {
      const page = await server.store.read.revocations(seq, moment.now, LIMITS.feedPageMax);
      for (const event of page) {
        const text = eventFrame(event);
        frames.push({ seq: event.seq, exp: event.exp, text });
        fresh += text;
        seq = event.seq;
      }
      if (page.length < LIMITS.feedPageMax) break;
    }
    // what was written while the pages were read has a number of its own, and is read when its commit calls
    position = { epoch: moment.position.epoch, seq: Math.max(seq, moment.position.seq) };
    asOf = began;
    server.metrics.set('latchkey_feed_seq', position.seq);
    if (fresh === '') return;
    snapshot = undefined;
    broadcast(fresh);
  }

  function broadcast(text: string): void {
    for (const reader of readers) if (!reader.send(text)) cut(reader);
  }

  function cut(reader: FeedReader): void {
    server.metrics.count('latchkey_feed_readers_cut_total');
    server.log.warn('feed reader cut off', { reason: 'slow', resource: reader.credential?.owner });
    reader.end();
  }

  function beat(): void {
    if (asOf !== undefined) broadcast(heartbeatFrame(asOf, position));
  }

  function beatRegularly(): void {
    stopBeating = timers.inBackground(heartbeatMilliseconds, () => {
      beatRegularly();
      void tick();
    });
  }

  async function tick(): Promise<void> {
    forgetExpired();
    try {
      await read(true);
      await endOfOldCredentials(await server.store.read.moment());
    } catch (error) {
      server.metrics.count('latchkey_faults_total', { kind: 'feed' });
      server.log.error('the revocation log could not be read', { error });
    }
  }

  function forgetExpired(): void {
    const now = Math.floor(server.now() / 1000);
    if (!frames.some(({ exp }) => exp <= now)) return;
    frames = frames.filter(({ exp }) => exp > now);
    snapshot = undefined;
  }

  /** A stream ends with the credential that opened it. */
  async function endOfOldCredentials({ now }: Moment): Promise<void> {
    const checked = new Map<string, boolean>();
    for (const reader of readers) {
      const { credential } = reader;
      if (credential === undefined) continue;
      const isLive = checked.get(credential.secret) ?? (await isCredentialLive(credential, now));
      checked.set(credential.secret, isLive);
      if (!isLive) reader.end();
    }
  }

  async function isCredentialLive({ owner, secret }: FeedCredential, now: EpochMilliseconds): Promise<boolean> {
    const secrets = await server.store.read.secrets(owner);
    return secrets.some((row) => row.id === secret && isSecretLive(row, now));
  }

  /** A reader that saw more than the log holds: this database is older than what it read from. */
  function raiseReaderAhead(from: Position, reader: FeedReader): void {
    server
      .commit(
        (tx) => tx.moment(),
        (moment) => {
          if (!isBefore(moment.position, from)) return allow(undefined); // somebody else has begun the new epoch
          const entry = {
            at: moment.now,
            event: 'feed.reader_ahead',
            actor: reader.credential?.owner ?? 'server',
            subject: {},
            detail: { reader_epoch: from.epoch, reader_seq: from.seq, seq: moment.position.seq },
          } as const;
          return allow(undefined, [
            { kind: 'epoch.begin', at: moment.now },
            { kind: 'alert.raise', entry },
          ]);
        },
      )
      .catch((error: unknown) => server.log.error('a new epoch could not be begun', { error }));
  }

  /** Admits one more stream, and gives back the way to let it go; undefined where there are enough. */
  function admit(reader: FeedReader): (() => void) | undefined {
    const key = reader.credential?.secret ?? '';
    const count = perCredential.get(key) ?? 0;
    if (readers.size >= LIMITS.streamsMax || count >= LIMITS.streamsPerCredentialMax) return undefined;
    readers.add(reader);
    perCredential.set(key, count + 1);
    server.metrics.set('latchkey_feed_streams', readers.size);
    return () => {
      if (!readers.delete(reader)) return;
      const left = (perCredential.get(key) ?? 1) - 1;
      if (left === 0) perCredential.delete(key);
      else perCredential.set(key, left);
      server.metrics.set('latchkey_feed_streams', readers.size);
    };
  }

  return {
    async open() {
      stopListening = server.store.onRevocation(() => {
        read(false).catch((error: unknown) => server.log.error('the revocation log could not be read', { error }));
      });
      await read(false);
      beatRegularly();
    },
    read: () => read(false),
    subscribe(from, reader) {
      const leave = admit(reader);
      if (leave === undefined) return undefined;
      const isAhead = from !== undefined && isBefore(position, from);
      if (isAhead) raiseReaderAhead(from, reader);
      snapshot ??= frames.map(({ text }) => text).join('');
      // numbers of another history of the log tell nothing about this one: its reader gets everything, and merges it
      const missed =
        from === undefined || from.epoch !== position.epoch || isAhead
          ? snapshot
          : frames.filter(({ seq }) => seq > from.seq).reduce((text, frame) => text + frame.text, '');
      const beating = asOf === undefined ? '' : heartbeatFrame(asOf, position);
      if (!reader.send(missed + beating)) {
        cut(reader);
        leave();
      }
      return leave;
    },
    close() {
      stopBeating?.();
      stopListening?.();
      for (const reader of readers) reader.end();
    },
  };
}
