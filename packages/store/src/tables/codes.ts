import type { AuthorizationCode } from '@latchkey/domain/authorization/code';
import type { EpochMilliseconds, ResourceIdentifier, Sha256 } from '@latchkey/protocol/types';
import { type Row, sql } from '../sql.ts';
import {
  flag,
  id,
  idIn,
  json,
  jsonIn,
  millisecondsIn,
  numberIn,
  optional,
  orNull,
  secondsIn,
  textIn,
} from './columns.ts';

export const codes = {
  byHash: (hash: Sha256) => sql`SELECT * FROM codes WHERE hash = ${hash}`,
  insert: (code: AuthorizationCode) =>
    sql`INSERT INTO codes (hash, client_id, account_id, session_id, family_id, redirect_uri, redirect_uri_given, scope, resources, id_token_claims, nonce, challenge, auth_time_seconds, amr, acr, wrong_tries, created_at, expires_at) VALUES (${code.hash}, ${id(code.clientId)}, ${id(code.accountId)}, ${id(code.sessionId)}, ${id(code.familyId)}, ${code.redirectUri}, ${flag(code.isRedirectUriGiven)}, ${json(code.scope)}, ${json(code.resources)}, ${json(code.idTokenClaims)}, ${orNull(code.nonce)}, ${orNull(code.challenge)}, ${code.authTime}, ${json(code.amr)}, ${orNull(code.acr)}, ${code.wrongTries}, ${code.createdAt}, ${code.expiresAt}) ON CONFLICT (hash) DO NOTHING`,
  redeem: (hash: Sha256, at: EpochMilliseconds) =>
    sql`UPDATE codes SET redeemed_at = ${at} WHERE hash = ${hash} AND redeemed_at IS NULL`,
  miss: (hash: Sha256) => sql`UPDATE codes SET wrong_tries = wrong_tries + 1 WHERE hash = ${hash}`,
  /** Codes that were made before this time: none lives so long, and no replay of one is looked for any more. */
  expire: (before: EpochMilliseconds, limit: number) =>
    sql`DELETE FROM codes WHERE hash IN (SELECT hash FROM codes WHERE created_at < ${before} LIMIT ${limit})`,
  model: (row: Row): AuthorizationCode => ({
    hash: textIn(row, 'hash') as Sha256,
    clientId: idIn(row, 'client_id', 'cli'),
    accountId: idIn(row, 'account_id', 'acc'),
    sessionId: idIn(row, 'session_id', 'ses'),
    familyId: idIn(row, 'family_id', 'fam'),
    redirectUri: textIn(row, 'redirect_uri'),
    isRedirectUriGiven: numberIn(row, 'redirect_uri_given') === 1,
    scope: jsonIn<readonly string[]>(row, 'scope'),
    resources: jsonIn<readonly ResourceIdentifier[]>(row, 'resources'),
    idTokenClaims: optional(row, 'id_token_claims', jsonIn<readonly string[]>) ?? [],
    nonce: optional(row, 'nonce', textIn),
    challenge: optional(row, 'challenge', textIn),
    authTime: secondsIn(row, 'auth_time_seconds'),
    amr: jsonIn<readonly string[]>(row, 'amr'),
    acr: optional(row, 'acr', textIn),
    wrongTries: numberIn(row, 'wrong_tries'),
    createdAt: millisecondsIn(row, 'created_at'),
    expiresAt: millisecondsIn(row, 'expires_at'),
    redeemedAt: optional(row, 'redeemed_at', millisecondsIn),
  }),
};
