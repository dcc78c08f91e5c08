import type { AccountId } from '@latchkey/protocol/types';
import { type Row, sql } from '../sql.ts';
import { id, idIn, textIn } from './columns.ts';

/** Rows never go: a subject that was told to somebody must not come to mean somebody else. */
export const subjects = {
  of: (sector: string, account: AccountId) =>
    sql`SELECT sub FROM subjects WHERE sector = ${sector} AND account_id = ${id(account)}`,
  accountOf: (sector: string, subject: string) =>
    sql`SELECT account_id FROM subjects WHERE sub = ${subject} AND sector = ${sector}`,
  insert: (sector: string, account: AccountId, subject: string) =>
    sql`INSERT INTO subjects (sector, account_id, sub) VALUES (${sector}, ${id(account)}, ${subject}) ON CONFLICT DO NOTHING`,
  model: (row: Row): string => textIn(row, 'sub'),
  account: (row: Row): AccountId => idIn(row, 'account_id', 'acc'),
};
