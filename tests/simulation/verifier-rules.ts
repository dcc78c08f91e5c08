import type { Access, ErrorId, Result } from '@latchkey/verifier';
import type { AccessRecord, Books } from './books.ts';
import { type Ends, ofFamily } from './ends.ts';
import type { Delivery } from './feed-line.ts';
import type { Observer } from './invariants.ts';

/** What an API's verifier was made with. */
export interface Policy {
  readonly onStale: 'introspect' | 'reject' | 'accept';
  readonly staleAfter: number;
  readonly acceptFor: number;
}

/** One verifier as the observer sees it, from its start to its end. */
export interface VerifierWatch {
  /** A piece of the feed came through to it. */
  delivered(delivery: Delivery): void;
  /** The server said of a token whether it is active. */
  introspected(text: string, answer: Introspected): void;
  /** It begins to look at a token; what is called then says what it found. */
  verifies(token: AccessRecord): (found: Result<Access, ErrorId>) => void;
  /** Heartbeats have come through lately, so it should not call itself stale. */
  isFedSince(milliseconds: number): boolean;
}

/** What the server said of a token. */
export interface Introspected {
  /** True time of the question. */
  readonly askedAt: number;
  readonly isActive: boolean;
  /** Whether the token is in time by the server's clock, when it answers. */
  readonly isInTime: boolean;
}

/** What the observer knows beside. */
interface Known {
  readonly observer: Observer;
  readonly ends: Ends;
  readonly books: Books;
}

/** How long a good answer to an introspection may be believed. */
const ANSWER_KEPT = 60_000;
/** Heartbeats that are late by this part of the staleness bound may be refused. */
const LATE = 3;

export function watchVerifier(name: string, policy: Policy, { observer, ends, books }: Known): VerifierWatch {
  const told = { ids: new Set<string>(), cutOffs: new Map<string, readonly [number, number]>() };
  const answers = new Map<string, number>();
  const untimely = new Map<string, number>();
  let lastLeftAt = Number.NEGATIVE_INFINITY;
  let lastBeatAt = Number.NEGATIVE_INFINITY;
  let stream = { askedAt: Number.NEGATIVE_INFINITY, began: Number.NEGATIVE_INFINITY };

  /** An event that it was told, and that ends this token. */
  function toldOf({ jti, fid, sid, kid, sub, client, pos }: AccessRecord): string | undefined {
    const id = [`token ${jti}`, `family ${fid}`, `session ${sid}`, `key ${kid}`].find((one) => told.ids.has(one));
    if (id !== undefined) return id;
    return [`subject ${sub}`, `client ${client}`, 'all '].find((one) => {
      const cutOff = told.cutOffs.get(one);
      return cutOff !== undefined && isBefore(pos, cutOff);
    });
  }

  /** One that comes late by the time of its stream is not taken: a verifier then asks for another stream. */
  function beat(askedAt: number, leftAt: number): void {
    if (stream.askedAt !== askedAt) stream = { askedAt, began: leftAt };
    const late = observer.now() - leftAt + stream.began - askedAt;
    if (late < policy.staleAfter / LATE) lastBeatAt = Math.max(lastBeatAt, leftAt);
  }

  function take(data: string): void {
    const { kind, id, epoch, seq } = JSON.parse(data) as { kind: string; id: string; epoch: number; seq: number };
    const name = `${kind} ${id}`;
    if (kind === 'subject' || kind === 'client' || kind === 'all') {
      const known = told.cutOffs.get(name);
      if (known === undefined || isBefore(known, [epoch, seq])) told.cutOffs.set(name, [epoch, seq]);
    } else told.ids.add(name);
  }

  function judge(token: AccessRecord, began: number, toldThen: string | undefined, access: Access): void {
    const accepted = `${name} accepted ${token.label}`;
    if (toldThen !== undefined) observer.violate('I1', `${accepted} though it was told of the end of ${toldThen}`);
    const askedAt = answers.get(token.text);
    if (askedAt !== undefined && began - askedAt <= ANSWER_KEPT) return;
    const bound = access.stale ? policy.staleAfter + policy.acceptFor : policy.staleAfter;
    const age = began - lastLeftAt;
    if (age > bound) observer.violate('I1', `${accepted} ${age} ms after the last it had heard`);
    const end = access.stale ? undefined : ends.endedAt(token, began - bound);
    if (end !== undefined) observer.violate('I1', `${accepted} long after the answer to: ${end.what}`);
  }

  /** Nothing is refused as revoked that nobody has ended; a no of a server whose clock is wrong is the server's. */
  function checkRefusal(token: AccessRecord, began: number): void {
    if ((untimely.get(token.text) ?? Number.NEGATIVE_INFINITY) >= began) return;
    const family = books.families.get(token.fid);
    if (family === undefined || family.isForgotten || family.unanswered.size > 0) return;
    if (ends.isUnasked(token) && ends.isUnasked(ofFamily(family)))
      observer.violate('L', `${name} called ${token.label} revoked, and nobody has ended it`);
  }

  return {
    delivered({ text, askedAt, leftAt }) {
      lastLeftAt = Math.max(lastLeftAt, leftAt);
      for (const frame of text.split('\n\n')) {
        const data = frame.slice(frame.indexOf('\ndata: ') + '\ndata: '.length);
        if (frame.startsWith('event: revocation')) take(data);
        if (frame.startsWith('event: heartbeat')) beat(askedAt, leftAt);
      }
    },
    introspected(text, { askedAt, isActive, isInTime }) {
      if (isActive) answers.set(text, askedAt);
      else if (!isInTime) untimely.set(text, observer.now());
    },
    verifies(token) {
      const began = observer.now();
      const toldThen = toldOf(token);
      return (found) => {
        if (found.ok) judge(token, began, toldThen, found.value);
        else if (found.error === 'token_revoked') checkRefusal(token, began);
      };
    },
    isFedSince: (milliseconds) => observer.now() - lastBeatAt <= milliseconds,
  };
}

const isBefore = (a: readonly [number, number], b: readonly [number, number]): boolean =>
  a[0] === b[0] ? a[1] < b[1] : a[0] < b[0];
