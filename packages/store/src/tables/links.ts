import type { ParsedIdentifier } from '@latchkey/domain/accounts/identifier';
import type { LinkPurpose, OneTimeLink } from '@latchkey/domain/login/one-time-link';
import type { AccountId, EpochMilliseconds, Sha256 } from '@latchkey/protocol/types';
import { type Row, sql } from '../sql.ts';
import { id, idIn, json, jsonIn, millisecondsIn, optional, optionalId, textIn } from './columns.ts';

export const links = {
  byHash: (hash: Sha256) => sql`SELECT * FROM links WHERE hash = ${hash}`,
  issue: (link: OneTimeLink) =>
    sql`INSERT INTO links (hash, purpose, subject, account_id, address, attempt_id, created_at, expires_at) VALUES (${link.hash}, ${link.purpose}, ${link.subject}, ${optionalId(link.accountId)}, ${link.address === undefined ? null : json(link.address)}, ${optionalId(link.attemptId)}, ${link.createdAt}, ${link.expiresAt}) ON CONFLICT (purpose, subject) DO UPDATE SET hash = excluded.hash, account_id = excluded.account_id, address = excluded.address, attempt_id = excluded.attempt_id, created_at = excluded.created_at, expires_at = excluded.expires_at`,
  use: (hash: Sha256) => sql`DELETE FROM links WHERE hash = ${hash}`,
  end: (account: AccountId) => sql`DELETE FROM links WHERE account_id = ${id(account)}`,
  expire: (now: EpochMilliseconds, limit: number) =>
    sql`DELETE FROM links WHERE hash IN (SELECT hash FROM links WHERE expires_at <= ${now} LIMIT ${limit})`,
  model: (row: Row): OneTimeLink => ({
    hash: textIn(row, 'hash') as Sha256,
    purpose: textIn(row, 'purpose') as LinkPurpose,
    subject: textIn(row, 'subject'),
    accountId: optional(row, 'account_id', (of, name) => idIn(of, name, 'acc')),
    address: optional(row, 'address', jsonIn<ParsedIdentifier>),
    attemptId: optional(row, 'attempt_id', (of, name) => idIn(of, name, 'att')),
    createdAt: millisecondsIn(row, 'created_at'),
    expiresAt: millisecondsIn(row, 'expires_at'),
  }),
};
