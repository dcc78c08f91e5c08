import type { Decision } from '@latchkey/domain/decision';
import type { RefreshFacts } from '@latchkey/domain/grants/refresh-token';
import type { Moment } from '@latchkey/domain/ports/reader';
import type { TokenGrant } from '@latchkey/domain/tokens/access-grant';
import type { Committed } from '@latchkey/domain/transact';
import type { EpochMilliseconds } from '@latchkey/protocol/types';
import { heartbeatFrame } from '@latchkey/server/feed/events';
import type { Feed, FeedReader } from '@latchkey/server/feed/feed';
import type { Scheduler } from './scheduler.ts';

export type Decide<Facts, T> = (facts: Facts, moment: Moment) => Decision<T>;

/** A mistake that is put into the code on purpose: a simulation that does not find it looks in the wrong places. */
export interface Fault {
  /** What each process is given when it starts, where the mistake needs a memory of its own. */
  born?(): Pick<Fault, 'decision'>;
  decision?<Facts, T>(decide: Decide<Facts, T>): Decide<Facts, T>;
  feed?(feed: Feed, scheduler: Scheduler): Feed;
  /** Changes what was decided, a moment before tokens are made of it. */
  beforeMinting?<T>(committed: Committed<T>, moment: Moment): Committed<T>;
}

/** Whether the facts of a decision have all of these names, and so are those that are meant. */
export const hasFacts = (facts: unknown, ...names: readonly string[]): boolean =>
  typeof facts === 'object' && facts !== null && names.every((name) => name in facts);

/** Puts something else in the place of the decisions on such facts. */
export const inDecision = <Facts, T>(
  isMeant: (facts: unknown) => facts is Facts,
  changed: (decide: Decide<Facts, T>, facts: Facts, moment: Moment) => unknown,
): Pick<Fault, 'decision'> => ({
  decision: (decide) => (facts, moment) =>
    isMeant(facts)
      ? (changed(decide as Decide<unknown, unknown> as Decide<Facts, T>, facts, moment) as ReturnType<typeof decide>)
      : decide(facts, moment),
});

const isRefresh = (facts: unknown): facts is RefreshFacts => hasFacts(facts, 'seedMatches', 'roles');

type ChangedRefresh = (decide: Decide<RefreshFacts, TokenGrant>, facts: RefreshFacts, moment: Moment) => unknown;

const inRefresh = (changed: ChangedRefresh): Fault => inDecision<RefreshFacts, TokenGrant>(isRefresh, changed);

/** Whoever comes with the token before is answered, however late. */
export const endlessOverlap = inRefresh((decide, facts, moment) => {
  const { family } = facts;
  if (family === undefined) return decide(facts, moment);
  const refresh = { ...family.refresh, overlapMilliseconds: Number.POSITIVE_INFINITY, attemptHash: undefined };
  return decide({ ...facts, family: { ...family, refresh } }, moment);
});

/** The new token is given out, and the row stays as it was. */
export const forgottenRotation = inRefresh((decide, facts, moment) => {
  const decided = decide(facts, moment);
  return { ...decided, writes: decided.writes.filter(({ kind }) => kind !== 'family.rotate') };
});

/** Within the overlap there is one more successor, and not the same again. */
export const secondSuccessor = inRefresh((decide, facts, moment) => {
  const decided = decide(facts, moment);
  const { outcome } = decided;
  const refresh = facts.family?.refresh;
  const isOverlap = decided.writes.some(({ kind }) => kind === 'family.use_overlap');
  if (!isOverlap || !outcome.ok || refresh === undefined || outcome.value.refresh === undefined) return decided;
  const { familyId, generation } = outcome.value.refresh;
  const value = { ...outcome.value, refresh: { ...outcome.value.refresh, generation: generation + 1 } };
  const write = { kind: 'family.rotate', id: familyId, from: generation, at: moment.now, ...refresh };
  return { ...decided, outcome: { ok: true, value }, writes: [write] };
});

/** A reuse is refused, and that is all that comes of it. */
export const forgivenReuse = inRefresh((decide, facts, moment) => {
  const decided = decide(facts, moment);
  return decided.outcome.ok ? decided : { ...decided, writes: [] };
});

/** Tokens say the place in the log at which they were signed, and not the one that their decision had seen. */
export const placeOfMinting: Fault = {
  beforeMinting(committed, { position }) {
    const { outcome } = committed;
    if (!outcome.ok || !isGrant(outcome.value)) return committed;
    const value = { ...outcome.value, access: { ...outcome.value.access, pos: position } };
    return { ...committed, outcome: { ok: true, value } };
  },
};

const isGrant = (value: unknown): value is TokenGrant =>
  typeof value === 'object' && value !== null && 'access' in value && 'refresh' in value;

/** A reader that comes back misses the event behind its cursor. */
export const skippedEvent: Fault = {
  feed: (feed) => ({
    ...feed,
    subscribe: (from, reader) => feed.subscribe(from === undefined ? from : { ...from, seq: from.seq + 1 }, reader),
  }),
};

/** What happens first after a stream has begun is lost. */
export const lostBetween: Fault = {
  feed: (feed) => ({
    ...feed,
    subscribe(from, reader) {
      let sent = 0;
      return feed.subscribe(from, {
        ...reader,
        send(frames) {
          sent += 1;
          return sent === 2 ? true : reader.send(frames);
        },
      });
    },
  }),
};

const HEARTBEAT = /"asOf":(\d+),"cursor":"(\d+):(\d+)"/;

/** Heartbeats go on and tell of now, whether or not the log could be read. */
export const idleHeartbeats: Fault = {
  feed: (feed, scheduler) => ({
    ...feed,
    subscribe: (from, reader) => feed.subscribe(from, beatingOnItsOwn(reader, scheduler)),
  }),
};

function beatingOnItsOwn(reader: FeedReader, scheduler: Scheduler): FeedReader {
  let last: { readonly asOf: number; readonly at: number; readonly cursor: readonly [number, number] } | undefined;
  let stop = (): void => {};
  function beat(): void {
    stop = scheduler.after(2_000, beat);
    if (last === undefined) return;
    const [epoch, seq] = last.cursor;
    reader.send(heartbeatFrame((last.asOf + scheduler.now() - last.at) as EpochMilliseconds, { epoch, seq }));
  }
  beat();
  return {
    ...reader,
    send(frames) {
      const found = HEARTBEAT.exec(frames);
      if (found !== null)
        last = { asOf: Number(found[1]), at: scheduler.now(), cursor: [Number(found[2]), Number(found[3])] };
      return reader.send(frames);
    },
    end() {
      stop();
      reader.end();
    },
  };
}
