import type { LoginAttempt, OwnPage, Progress } from '@latchkey/domain/login/attempt';
import type { AuthorizationRequest } from '@latchkey/protocol/authorization-request';
import type { AttemptId, EpochMilliseconds, Sha256 } from '@latchkey/protocol/types';
import { type Row, sql } from '../sql.ts';
import { id, idIn, json, jsonIn, millisecondsIn, numberIn, textIn } from './columns.ts';

export const attempts = {
  byId: (attempt: AttemptId) => sql`SELECT * FROM attempts WHERE id = ${id(attempt)}`,
  version: (attempt: AttemptId) => sql`SELECT version FROM attempts WHERE id = ${id(attempt)}`,
  /** The row of its version before, or none yet. */
  store: (attempt: LoginAttempt) =>
    sql`INSERT INTO attempts (id, version, browser, request, progress, created_at, expires_at) VALUES (${id(attempt.id)}, ${attempt.version}, ${attempt.browser}, ${json('request' in attempt ? attempt.request : { page: attempt.page })}, ${json(attempt.progress)}, ${attempt.createdAt}, ${attempt.expiresAt}) ON CONFLICT (id) DO UPDATE SET version = excluded.version, progress = excluded.progress WHERE attempts.version = excluded.version - 1`,
  remove: (attempt: AttemptId) => sql`DELETE FROM attempts WHERE id = ${id(attempt)}`,
  expire: (now: EpochMilliseconds, limit: number) =>
    sql`DELETE FROM attempts WHERE id IN (SELECT id FROM attempts WHERE expires_at <= ${now} LIMIT ${limit})`,
  model: (row: Row): LoginAttempt => ({
    id: idIn(row, 'id', 'att'),
    version: numberIn(row, 'version'),
    browser: textIn(row, 'browser') as Sha256,
    ...purposeOf(jsonIn<AuthorizationRequest | { readonly page: OwnPage }>(row, 'request')),
    progress: jsonIn<Progress>(row, 'progress'),
    createdAt: millisecondsIn(row, 'created_at'),
    expiresAt: millisecondsIn(row, 'expires_at'),
  }),
};

const purposeOf = (stored: AuthorizationRequest | { readonly page: OwnPage }) =>
  'page' in stored
    ? { page: { path: stored.page.path, maxAge: stored.page.maxAge } }
    : { request: { ...ABSENT, ...stored } };

/** JSON leaves out what is undefined; a model never does. */
const ABSENT = {
  state: undefined,
  scope: undefined,
  nonce: undefined,
  codeChallenge: undefined,
  maxAge: undefined,
  loginHint: undefined,
  essentialAcr: undefined,
  claims: undefined,
  idTokenHint: undefined,
  subject: undefined,
};
