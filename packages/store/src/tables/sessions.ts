import type { Ended, Session, SessionCookie, SessionSummary } from '@latchkey/domain/login/session';
import type { Write } from '@latchkey/domain/write';
import type { AccountId, EpochMilliseconds, SessionId, Sha256 } from '@latchkey/protocol/types';
import { type Row, sql } from '../sql.ts';
import {
  id,
  idIn,
  isNull,
  json,
  jsonIn,
  millisecondsIn,
  numberIn,
  optional,
  orNull,
  positionIn,
  secondsIn,
  textIn,
} from './columns.ts';
import { endedIn } from './ended.ts';

export const sessions = {
  byId: (session: SessionId) => sql`SELECT * FROM sessions WHERE id = ${id(session)}`,
  version: (session: SessionId) => sql`SELECT version FROM sessions WHERE id = ${id(session)}`,
  byCookie: (hash: Sha256) => sql`SELECT * FROM sessions WHERE cookie_hash = ${hash}`,
  live: (account: AccountId, now: EpochMilliseconds) =>
    sql`SELECT s.*, max(COALESCE((SELECT max(f.last_used_at) FROM families f WHERE f.session_id = s.id), s.created_at), COALESCE(s.cookie_seen_at, 0)) AS last_seen_at FROM sessions s WHERE s.account_id = ${id(account)} AND s.ended_at IS NULL AND s.expires_at > ${now} ORDER BY s.id LIMIT 1000`,
  insert: (session: Session) =>
    sql`INSERT INTO sessions (id, version, account_id, created_at, expires_at, auth_time_seconds, amr, acr, address, user_agent, pos_epoch, pos_seq, cookie_hash, cookie_idle_seconds, cookie_seen_at) VALUES (${id(session.id)}, ${session.version}, ${id(session.accountId)}, ${session.createdAt}, ${session.expiresAt}, ${session.authTime}, ${json(session.amr)}, ${orNull(session.acr)}, ${orNull(session.address)}, ${orNull(session.userAgent)}, ${session.pos.epoch}, ${session.pos.seq}, ${orNull(session.cookie?.hash)}, ${orNull(session.cookie?.idleSeconds)}, ${orNull(session.cookie?.seenAt)})`,
  authenticate: ({ id: session, from, authTime, amr, acr, cookie }: Extract<Write, { kind: 'session.authenticate' }>) =>
    sql`UPDATE sessions SET auth_time_seconds = ${authTime}, amr = ${json(amr)}, acr = ${orNull(acr)}, cookie_hash = ${cookie.hash}, cookie_idle_seconds = ${cookie.idleSeconds}, cookie_seen_at = ${cookie.seenAt}, version = version + 1 WHERE id = ${id(session)} AND version = ${from} AND ended_at IS NULL`,
  see: (session: SessionId, at: EpochMilliseconds) =>
    sql`UPDATE sessions SET cookie_seen_at = ${at} WHERE id = ${id(session)} AND cookie_hash IS NOT NULL`,
  end: (session: SessionId, ended: Ended) =>
    sql`UPDATE sessions SET ended_at = ${ended.at}, end_reason = ${ended.reason}, ended_by = ${ended.by}, version = version + 1 WHERE id = ${id(session)} AND ended_at IS NULL`,
  /** What is gone for so long that no token of it can live and no event of it is kept; its families go first. */
  expire: (before: EpochMilliseconds, limit: number) =>
    sql`DELETE FROM sessions WHERE id IN (SELECT s.id FROM (SELECT id FROM sessions WHERE ended_at < ${before} UNION ALL SELECT id FROM sessions WHERE expires_at < ${before}) s WHERE NOT EXISTS (SELECT 1 FROM families f WHERE f.session_id = s.id) LIMIT ${limit})`,
  model: (row: Row): Session => ({
    id: idIn(row, 'id', 'ses'),
    version: numberIn(row, 'version'),
    accountId: idIn(row, 'account_id', 'acc'),
    createdAt: millisecondsIn(row, 'created_at'),
    expiresAt: millisecondsIn(row, 'expires_at'),
    authTime: secondsIn(row, 'auth_time_seconds'),
    amr: jsonIn<readonly string[]>(row, 'amr'),
    acr: optional(row, 'acr', textIn),
    address: optional(row, 'address', textIn),
    userAgent: optional(row, 'user_agent', textIn),
    pos: positionIn(row, 'pos'),
    ended: endedIn(row),
    cookie: isNull(row, 'cookie_hash') ? undefined : cookieIn(row),
  }),
  summary: (row: Row): SessionSummary => ({ ...sessions.model(row), lastSeenAt: millisecondsIn(row, 'last_seen_at') }),
};

const cookieIn = (row: Row): SessionCookie => ({
  hash: textIn(row, 'cookie_hash') as Sha256,
  idleSeconds: numberIn(row, 'cookie_idle_seconds'),
  seenAt: millisecondsIn(row, 'cookie_seen_at'),
});
