import type { Ended } from '@latchkey/domain/login/session';
import type { Page } from '@latchkey/domain/ports/reader';
import type { Delivery, RefreshState, TokenFamily } from '@latchkey/domain/tokens/family';
import type { Write } from '@latchkey/domain/write';
import type { Confirmation } from '@latchkey/protocol/claims';
import type {
  AccountId,
  ClientId,
  EpochMilliseconds,
  FamilyId,
  ResourceIdentifier,
  Sealed,
  SessionId,
  Sha256,
} from '@latchkey/protocol/types';
import { type Row, sql } from '../sql.ts';
import {
  bytesIn,
  id,
  idIn,
  isNull,
  json,
  jsonIn,
  millisecondsIn,
  numberIn,
  optional,
  optionalId,
  orNull,
  positionIn,
  secondsIn,
  textIn,
} from './columns.ts';
import { endedIn } from './ended.ts';

type Rotate = Extract<Write, { kind: 'family.rotate' }>;

export const families = {
  byId: (family: FamilyId) => sql`SELECT * FROM families WHERE id = ${id(family)}`,
  /** All of them, for the same reason as below. */
  offline: (account: AccountId, now: EpochMilliseconds) =>
    sql`SELECT * FROM families WHERE account_id = ${id(account)} AND session_id IS NULL AND ended_at IS NULL AND expires_at > ${now} ORDER BY id`,
  ofClient: (account: AccountId, client: ClientId, now: EpochMilliseconds) =>
    sql`SELECT * FROM families WHERE account_id = ${id(account)} AND client_id = ${id(client)} AND ended_at IS NULL AND expires_at > ${now} ORDER BY id LIMIT 1000`,
  /** The release before leaves out where a family began, and may have written on this schema. */
  ofSession: (session: SessionId) =>
    sql`SELECT * FROM families WHERE id IN (SELECT max(id) FROM families WHERE began_in = ${id(session)} OR (began_in IS NULL AND session_id = ${id(session)}) GROUP BY client_id, pairwise_sid) ORDER BY id LIMIT 1000`,
  /** All of them, since one that is left out would go on at readers of the feed; each client has a limited number. */
  pairwise: (account: AccountId) =>
    sql`SELECT * FROM families WHERE account_id = ${id(account)} AND pairwise_subject IS NOT NULL AND ended_at IS NULL ORDER BY id`,
  underMacKey: (keyId: number, { after, limit }: Page<FamilyId>) =>
    sql`SELECT * FROM families WHERE id > ${after === undefined ? new Uint8Array(0) : id(after)} AND mac_key_id = ${keyId} AND ended_at IS NULL ORDER BY id LIMIT ${limit}`,
  insert: (family: TokenFamily) => {
    const refresh = family.refresh;
    return sql`INSERT INTO families (id, account_id, client_id, session_id, began_in, pairwise_subject, pairwise_sid, scope, resources, id_token_claims, delivery, cnf, auth_time_seconds, amr, acr, created_at, expires_at, pos_epoch, pos_seq, generation, rotated_at, last_used_at, idle_seconds, overlap_ms, attempt_hash, overlap_uses, overlap_streak, mac_key_id, seed) VALUES (${id(family.id)}, ${id(family.accountId)}, ${id(family.clientId)}, ${optionalId(family.sessionId)}, ${optionalId(family.beganIn)}, ${orNull(family.pairwise?.subject)}, ${orNull(family.pairwise?.sid)}, ${json(family.scope)}, ${json(family.resources)}, ${json(family.idTokenClaims)}, ${family.delivery}, ${family.cnf === undefined ? null : json(family.cnf)}, ${orNull(family.authenticated?.authTime)}, ${family.authenticated === undefined ? null : json(family.authenticated.amr)}, ${orNull(family.authenticated?.acr)}, ${family.createdAt}, ${family.expiresAt}, ${family.pos.epoch}, ${family.pos.seq}, ${orNull(refresh?.generation)}, ${orNull(refresh?.rotatedAt)}, ${orNull(refresh?.lastUsedAt)}, ${orNull(refresh?.idleSeconds)}, ${orNull(refresh?.overlapMilliseconds)}, ${orNull(refresh?.attemptHash)}, ${orNull(refresh?.overlapUses)}, ${orNull(refresh?.overlapStreak)}, ${orNull(refresh?.macKeyId)}, ${orNull<Uint8Array>(refresh?.seed)})`;
  },
  /** Compare-and-set of the generation. */
  rotate: (write: Rotate) =>
    sql`UPDATE families SET generation = generation + 1, rotated_at = ${write.at}, last_used_at = ${write.at}, overlap_ms = ${write.overlapMilliseconds}, attempt_hash = ${orNull(write.attemptHash)}, overlap_uses = 0, overlap_streak = ${write.overlapStreak}, mac_key_id = ${write.macKeyId} WHERE id = ${id(write.id)} AND generation = ${write.from} AND ended_at IS NULL`,
  touch: (family: FamilyId, generation: number, at: EpochMilliseconds) =>
    sql`UPDATE families SET last_used_at = ${at} WHERE id = ${id(family)} AND generation = ${generation} AND ended_at IS NULL`,
  useOverlap: (family: FamilyId, generation: number, streak: number) =>
    sql`UPDATE families SET overlap_uses = overlap_uses + 1, overlap_streak = ${streak} WHERE id = ${id(family)} AND generation = ${generation} AND ended_at IS NULL`,
  end: (family: FamilyId, ended: Ended) =>
    sql`UPDATE families SET ended_at = ${ended.at}, end_reason = ${ended.reason}, ended_by = ${ended.by} WHERE id = ${id(family)} AND ended_at IS NULL`,
  endOffline: (account: AccountId, ended: Ended) =>
    sql`UPDATE families SET ended_at = ${ended.at}, end_reason = ${ended.reason}, ended_by = ${ended.by} WHERE account_id = ${id(account)} AND session_id IS NULL AND ended_at IS NULL`,
  /**
   * What has ended or expired, by itself or with its session or client, and of which no event is kept. The cross join
   * keeps its order: clients first, of which there are few, or SQLite would walk through all families each time.
   */
  expire: (before: EpochMilliseconds, limit: number) =>
    sql`DELETE FROM families WHERE id IN (SELECT id FROM families WHERE ended_at < ${before} UNION ALL SELECT id FROM families WHERE expires_at < ${before} UNION ALL SELECT f.id FROM sessions s JOIN families f ON f.session_id = s.id WHERE s.ended_at < ${before} UNION ALL SELECT f.id FROM clients c CROSS JOIN families f WHERE f.client_id = c.id AND c.deleted_at < ${before} LIMIT ${limit})`,
  model: (row: Row): TokenFamily => ({
    id: idIn(row, 'id', 'fam'),
    accountId: idIn(row, 'account_id', 'acc'),
    clientId: idIn(row, 'client_id', 'cli'),
    sessionId: isNull(row, 'session_id') ? undefined : idIn(row, 'session_id', 'ses'),
    pairwise: isNull(row, 'pairwise_subject')
      ? undefined
      : { subject: textIn(row, 'pairwise_subject'), sid: textIn(row, 'pairwise_sid') },
    beganIn: isNull(row, 'began_in') ? undefined : idIn(row, 'began_in', 'ses'),
    scope: jsonIn<readonly string[]>(row, 'scope'),
    resources: jsonIn<readonly ResourceIdentifier[]>(row, 'resources'),
    idTokenClaims: optional(row, 'id_token_claims', jsonIn<readonly string[]>) ?? [],
    delivery: textIn(row, 'delivery') as Delivery,
    cnf: optional(row, 'cnf', jsonIn<Confirmation>),
    authenticated: isNull(row, 'auth_time_seconds')
      ? undefined
      : {
          authTime: secondsIn(row, 'auth_time_seconds'),
          amr: jsonIn<readonly string[]>(row, 'amr'),
          acr: optional(row, 'acr', textIn),
        },
    createdAt: millisecondsIn(row, 'created_at'),
    expiresAt: millisecondsIn(row, 'expires_at'),
    pos: positionIn(row, 'pos'),
    ended: endedIn(row),
    refresh: isNull(row, 'seed') ? undefined : refreshIn(row),
  }),
};

const refreshIn = (row: Row): RefreshState => ({
  generation: numberIn(row, 'generation'),
  rotatedAt: millisecondsIn(row, 'rotated_at'),
  lastUsedAt: millisecondsIn(row, 'last_used_at'),
  idleSeconds: numberIn(row, 'idle_seconds'),
  overlapMilliseconds: numberIn(row, 'overlap_ms'),
  attemptHash: optional(row, 'attempt_hash', (r, name) => textIn(r, name) as Sha256),
  overlapUses: numberIn(row, 'overlap_uses'),
  overlapStreak: numberIn(row, 'overlap_streak'),
  macKeyId: numberIn(row, 'mac_key_id'),
  seed: bytesIn(row, 'seed') as Sealed,
});
