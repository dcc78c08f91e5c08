import type { AccessTokenClaims, Actor, RevocationEvent } from '@latchkey/protocol/claims';
import { LIMITS } from '@latchkey/protocol/limits';
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
    others: actorsOf(claims.act),
    pos: (claims.pos === undefined ? undefined : parsePosition(claims.pos)) ?? BEGINNING,
    kid,
  };
}

function actorsOf(act: Actor | undefined): readonly string[] {
  const found: string[] = [];
  for (let actor = act; actor !== undefined && found.length < 32; actor = actor.act)
    for (const id of [actor.sub, actor.client_id]) if (typeof id === 'string') found.push(id);
  return found;
}

interface CutOff extends Position {
  readonly exp: number;
}

/** What is known to be revoked. */
export interface RevocationSet {
  add(event: RevocationEvent): void;
  isRevoked(token: Revocable): boolean;
  /** True once for a signing key whose revocation is known: nothing under it is believed again. */
  isKeyRevoked(kid: string): boolean;
  /** Forgets what can concern no token any more, never earlier. */
  forgetExpired(nowSeconds: number): void;
  /** True when there are more revocations than may be kept: what is not kept cannot be told. */
  readonly isFull: boolean;
  readonly size: number;
}

/**
 * The revocations of the feed. Ids are looked up; cut-offs of a subject, a client or everything compare places in the
 * log, never clocks. A new history of the log is merged, not put in place of what is known: an event is forgotten at
 * its `exp`, and the revocation of a key never.
 */
export function createRevocationSet(max: number = LIMITS.revocationSetMax): RevocationSet {
  const ids = {
    token: new Map<string, number>(),
    family: new Map<string, number>(),
    session: new Map<string, number>(),
    api_key: new Map<string, number>(),
  };
  const cutOffs = { subject: new Map<string, CutOff>(), client: new Map<string, CutOff>() };
  const keys = new Set<string>();
  let all: CutOff | undefined;
  let overflow = false;

  const size = () =>
    ids.token.size +
    ids.family.size +
    ids.session.size +
    ids.api_key.size +
    cutOffs.subject.size +
    cutOffs.client.size +
    keys.size;
  const isCutOff = (cutOff: CutOff | undefined, pos: Position) => cutOff !== undefined && isBefore(pos, cutOff);

  function addCutOff(cutOffsOf: Map<string, CutOff>, event: RevocationEvent): void {
    const known = cutOffsOf.get(event.id);
    cutOffsOf.set(event.id, later(known, event));
  }
  const later = (known: CutOff | undefined, { epoch, seq, exp }: RevocationEvent): CutOff =>
    known === undefined || isBefore(known, { epoch, seq })
      ? { epoch, seq, exp: Math.max(exp, known?.exp ?? 0) }
      : { ...known, exp: Math.max(exp, known.exp) };

  return {
    add(event) {
      if (size() >= max) {
        overflow = true;
        return;
      }
      switch (event.kind) {
        case 'token':
        case 'family':
        case 'session':
        case 'api_key':
          ids[event.kind].set(event.id, Math.max(event.exp, ids[event.kind].get(event.id) ?? 0));
          return;
        case 'subject':
        case 'client':
          return addCutOff(cutOffs[event.kind], event);
        case 'all':
          all = later(all, event);
          return;
        case 'key':
          keys.add(event.id);
          return;
        case 'changed':
          return; // concerns what was cached of an answer, not a token
      }
    },
    isRevoked(token) {
      if (ids.token.has(token.jti)) return true;
      if (token.fid !== undefined && ids.family.has(token.fid)) return true;
      if (token.sid !== undefined && ids.session.has(token.sid)) return true;
      if (token.apiKey !== undefined && ids.api_key.has(token.apiKey)) return true;
      if (isCutOff(cutOffs.subject.get(token.subject), token.pos)) return true;
      if (isCutOff(cutOffs.client.get(token.client), token.pos)) return true;
      if (all !== undefined && isBefore(token.pos, all)) return true;
      if (keys.has(token.kid)) return true;
      for (const other of token.others) {
        if (isCutOff(cutOffs.subject.get(other), token.pos) || isCutOff(cutOffs.client.get(other), token.pos))
          return true;
      }
      return false;
    },
    isKeyRevoked: (kid) => keys.has(kid),
    forgetExpired(now) {
      for (const map of Object.values(ids)) for (const [id, exp] of map) if (exp <= now) map.delete(id);
      for (const map of Object.values(cutOffs)) for (const [id, { exp }] of map) if (exp <= now) map.delete(id);
      if (all !== undefined && all.exp <= now) all = undefined;
    },
    get isFull() {
      return overflow;
    },
    get size() {
      return size();
    },
  };
}
