import type { LoginAttempt } from '@latchkey/domain/login/attempt';
import type { AttemptId, EpochMilliseconds } from '@latchkey/protocol/types';
import { type Row, sql } from '../sql.ts';
import { id, idIn, json, jsonIn, millisecondsIn, numberIn } from './columns.ts';

type State = Pick<LoginAttempt, 'asked' | 'delivery' | 'proved' | 'needed'>;

export const attempts = {
  byId: (attempt: AttemptId) => sql`SELECT * FROM attempts WHERE id = ${id(attempt)}`,
  version: (attempt: AttemptId) => sql`SELECT version FROM attempts WHERE id = ${id(attempt)}`,
  /** The row of its version before, or none yet. */
  store: (attempt: LoginAttempt) => {
    const { asked, delivery, proved, needed }: State = attempt;
    return sql`INSERT INTO attempts (id, version, account_id, client_id, state, created_at, expires_at) VALUES (${id(attempt.id)}, ${attempt.version}, ${id(attempt.accountId)}, ${id(attempt.clientId)}, ${json({ asked, delivery, proved, needed })}, ${attempt.createdAt}, ${attempt.expiresAt}) ON CONFLICT (id) DO UPDATE SET version = excluded.version, state = excluded.state WHERE attempts.version = excluded.version - 1`;
  },
  remove: (attempt: AttemptId) => sql`DELETE FROM attempts WHERE id = ${id(attempt)}`,
  expire: (now: EpochMilliseconds, limit: number) =>
    sql`DELETE FROM attempts WHERE id IN (SELECT id FROM attempts WHERE expires_at <= ${now} LIMIT ${limit})`,
  model: (row: Row): LoginAttempt => ({
    ...jsonIn<State>(row, 'state'),
    id: idIn(row, 'id', 'att'),
    version: numberIn(row, 'version'),
    accountId: idIn(row, 'account_id', 'acc'),
    clientId: idIn(row, 'client_id', 'cli'),
    createdAt: millisecondsIn(row, 'created_at'),
    expiresAt: millisecondsIn(row, 'expires_at'),
  }),
};
