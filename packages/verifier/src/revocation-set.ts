import type { AccessTokenClaims, Actor, RevocationEvent } from '@latchkey/protocol/claims';
import { DURATIONS, LIMITS } from '@latchkey/protocol/limits';
import { isBefore, type Position, parsePosition } from '@latchkey/protocol/position';

/** What of a token decides whether it was revoked: read once, asked often. */
export interface Revocable {
  readonly jti: string;
  readonly fid: string | undefined;
  readonly sid: string | undefined;
  readonly apiKey: string | undefined;
  readonly client: string;
  readonly subject: string;
  /** Who else acts in the token: a cut-off of any of them ends it too. */
  readonly others: readonly string[];
  readonly pos: Position;
  readonly kid: string;
}

/** A token that says nothing of its place stands before everything. */
const BEGINNING: Position = { epoch: 0, seq: 0 };

export function revocableOf(claims: AccessTokenClaims, kid: string): Revocable {
  const apiKey = claims.api_key;
  return {
    jti: claims.jti,
    fid: claims.fid,
    sid: claims.sid,
    apiKey: typeof apiKey === 'string' ? apiKey : undefined,
    client: claims.client_id,
    subject: claims.sub,
    others: claims.act === undefined ? NOBODY : actorsOf(claims.act),
    pos: (claims.pos === undefined ? undefined : parsePosition(claims.pos)) ?? BEGINNING,
    kid,
  };
}

const NOBODY: readonly string[] = [];

function actorsOf(act: Actor): readonly string[] {
  const found: string[] = [];
  for (let actor: Actor | undefined = act; actor !== undefined && found.length < 32; actor = actor.act)
    for (const id of [actor.sub, actor.client_id]) if (typeof id === 'string') found.push(id);
  return found;
}

/** For how long what was heard is held: until its `exp`, and never for less than the log holds it. */
interface Held {
  readonly exp: number;
  /** By the monotonic clock, in milliseconds. */
  readonly until: number;
}

interface CutOff extends Position, Held {}

/** Something changed, and was first heard of at this moment: what was asked later has seen it, whatever its place. */
interface Change extends CutOff {
  readonly heardAt: number;
}

/** Most are empty most of the time: then the text of the id need not be hashed. */
const holds = (among: { readonly size: number; has(id: string): boolean }, id: string): boolean =>
  among.size > 0 && among.has(id);

/** What is known to be revoked. */
export interface RevocationSet {
  add(event: RevocationEvent): void;
  isRevoked(token: Revocable): boolean;
  /** Whether it has ended itself, whatever its place: no cut-off, before which a newer answer may stand. */
  isEnded(token: Revocable): boolean;
  /** Whether an answer of the server, asked for at this moment, may be older than a change of what it tells. */
  isOutdated(answer: Revocable, askedAt: number): boolean;
  /** True once for a signing key whose revocation is known: nothing under it is believed again. */
  isKeyRevoked(kid: string): boolean;
  /** Forgets what can concern no token any more, never earlier. */
  forgetExpired(nowSeconds: number): void;
  /** True while there are more revocations than may be kept: what is not kept cannot be told. */
  readonly isFull: boolean;
  readonly size: number;
}

const RETENTION = DURATIONS.eventRetention * 1000;

const latest = (a: Held | undefined, b: Held): Held => ({
  exp: Math.max(b.exp, a?.exp ?? 0),
  until: Math.max(b.until, a?.until ?? 0),
});
const later = (known: CutOff | undefined, { epoch, seq }: Position, held: Held): CutOff => ({
  ...(known !== undefined && !isBefore(known, { epoch, seq }) ? known : { epoch, seq }),
  ...latest(known, held),
});

/**
 * The revocations of the feed. Ids are looked up; cut-offs of a subject, a client or everything compare places in the
 * log, never clocks. A change ends nothing: it makes older answers of the server unusable, those under way too. A new history of the log is merged, not put in place of what is known: an event is forgotten at
 * its `exp`, and the revocation of a key never. A clock that is put ahead and back again brings nothing back to life:
 * what was heard is also held for as long, by a clock that nobody sets, as the log holds it.
 *
 * @param monotonic milliseconds that never go back
 */
export function createRevocationSet(monotonic: () => number, max: number = LIMITS.revocationSetMax): RevocationSet {
  const ids = {
    token: new Map<string, Held>(),
    family: new Map<string, Held>(),
    session: new Map<string, Held>(),
    api_key: new Map<string, Held>(),
  };
  const cutOffs = { subject: new Map<string, CutOff>(), client: new Map<string, CutOff>() };
  /** By the id of an API key, account or client: what an answer tells of it may be another by now. */
  const changes = new Map<string, Change>();
  const maps = [...Object.values(ids), ...Object.values(cutOffs), changes];
  const keys = new Set<string>();
  /** When a change found no room. */
  let changedUnkeptAt = Number.NEGATIVE_INFINITY;
  let all: CutOff | undefined;
  /** For how long what found no room could still concern a token. */
  let lost: Held | undefined;

  const size = () => maps.reduce((sum, map) => sum + map.size, keys.size);
  const isCutOff = (among: ReadonlyMap<string, CutOff>, id: string, pos: Position): boolean => {
    const cutOff = among.size === 0 ? undefined : among.get(id);
    return cutOff !== undefined && isBefore(pos, cutOff);
  };
  /** The latest change counts, and the moment at which it was heard of first: a feed that begins anew repeats it. */
  function changed(known: Change | undefined, { epoch, seq }: Position, held: Held): Change {
    const isNews = known === undefined || isBefore(known, { epoch, seq });
    return { ...later(known, { epoch, seq }, held), heardAt: isNews ? monotonic() : known.heardAt };
  }
  function isEnded(token: Revocable): boolean {
    if (holds(ids.token, token.jti) || holds(keys, token.kid)) return true;
    if (token.fid !== undefined && holds(ids.family, token.fid)) return true;
    if (token.sid !== undefined && holds(ids.session, token.sid)) return true;
    return token.apiKey !== undefined && holds(ids.api_key, token.apiKey);
  }
  /** Whether an id has a place, or gets one. */
  function hasRoom(among: { has(id: string): boolean }, id: string, held: Held): boolean {
    if (among.has(id) || size() < max) return true;
    lost = latest(lost, held);
    return false;
  }

  return {
    add(event) {
      const { kind, id } = event;
      const held: Held = { exp: event.exp, until: monotonic() + RETENTION };
      switch (kind) {
        case 'token':
        case 'family':
        case 'session':
        case 'api_key':
          if (hasRoom(ids[kind], id, held)) ids[kind].set(id, latest(ids[kind].get(id), held));
          return;
        case 'subject':
        case 'client':
          if (hasRoom(cutOffs[kind], id, held)) cutOffs[kind].set(id, later(cutOffs[kind].get(id), event, held));
          return;
        case 'all':
          all = later(all, event, held);
          return;
        case 'key':
          if (hasRoom(keys, id, { exp: Number.POSITIVE_INFINITY, until: 0 })) keys.add(id);
          return;
        case 'changed':
          if (changes.has(id) || size() < max) changes.set(id, changed(changes.get(id), event, held));
          else changedUnkeptAt = monotonic(); // whose it was is not kept: then it was everybody's
          return;
      }
    },
    isOutdated(answer, askedAt) {
      if (askedAt < changedUnkeptAt) return true;
      if (changes.size === 0) return false;
      const isOlder = (id: string | undefined): boolean => {
        const change = id === undefined ? undefined : changes.get(id);
        return change !== undefined && askedAt < change.heardAt && isBefore(answer.pos, change);
      };
      return isOlder(answer.apiKey) || isOlder(answer.subject) || isOlder(answer.client);
    },
    isEnded,
    isRevoked(token) {
      if (isEnded(token)) return true;
      if (all !== undefined && isBefore(token.pos, all)) return true;
      if (isCutOff(cutOffs.subject, token.subject, token.pos)) return true;
      if (isCutOff(cutOffs.client, token.client, token.pos)) return true;
      if (isCutOff(cutOffs.client, token.subject, token.pos)) return true; // a client's key, exchanged by another
      for (const other of token.others)
        if (isCutOff(cutOffs.subject, other, token.pos) || isCutOff(cutOffs.client, other, token.pos)) return true;
      return false;
    },
    isKeyRevoked: (kid) => keys.has(kid),
    forgetExpired(now) {
      const moment = monotonic();
      const isOver = ({ exp, until }: Held) => exp <= now && until <= moment;
      for (const map of maps) for (const [id, held] of map) if (isOver(held)) map.delete(id);
      if (all !== undefined && isOver(all)) all = undefined;
      if (lost !== undefined && isOver(lost)) lost = undefined;
    },
    get isFull() {
      return lost !== undefined;
    },
    get size() {
      return size();
    },
  };
}
