import type { Ended, Session, SessionSummary } from '@latchkey/domain/login/session';
import type { AccountId, EpochMilliseconds, SessionId } from '@latchkey/protocol/types';
import { type Row, sql } from '../sql.ts';
import {
  id,
  idIn,
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
  live: (account: AccountId, now: EpochMilliseconds) =>
    sql`SELECT s.*, COALESCE((SELECT max(f.last_used_at) FROM families f WHERE f.session_id = s.id), s.created_at) AS last_seen_at FROM sessions s WHERE s.account_id = ${id(account)} AND s.ended_at IS NULL AND s.expires_at > ${now} ORDER BY s.id LIMIT 1000`,
  insert: (session: Session) =>
    sql`INSERT INTO sessions (id, version, account_id, created_at, expires_at, auth_time_seconds, amr, acr, address, user_agent, pos_epoch, pos_seq) VALUES (${id(session.id)}, ${session.version}, ${id(session.accountId)}, ${session.createdAt}, ${session.expiresAt}, ${session.authTime}, ${json(session.amr)}, ${orNull(session.acr)}, ${orNull(session.address)}, ${orNull(session.userAgent)}, ${session.pos.epoch}, ${session.pos.seq})`,
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
  }),
  summary: (row: Row): SessionSummary => ({ ...sessions.model(row), lastSeenAt: millisecondsIn(row, 'last_seen_at') }),
};
