import type { PasswordCredential } from '@latchkey/domain/accounts/password-credential';
import type { AccountId, EpochMilliseconds } from '@latchkey/protocol/types';
import { type Row, sql } from '../sql.ts';
import { id, idIn, millisecondsIn, numberIn, optional, textIn } from './columns.ts';

export const passwords = {
  ofAccount: (account: AccountId) => sql`SELECT * FROM passwords WHERE account_id = ${id(account)}`,
  version: (account: AccountId) => sql`SELECT version FROM passwords WHERE account_id = ${id(account)}`,
  set: (account: AccountId, phc: string, at: EpochMilliseconds) =>
    sql`INSERT INTO passwords (account_id, version, phc, changed_at, failures) VALUES (${id(account)}, 1, ${phc}, ${at}, 0) ON CONFLICT (account_id) DO UPDATE SET version = passwords.version + 1, phc = excluded.phc, changed_at = excluded.changed_at, failures = 0, last_failure_at = NULL`,
  rehash: (account: AccountId, version: number, phc: string) =>
    sql`UPDATE passwords SET phc = ${phc} WHERE account_id = ${id(account)} AND version = ${version}`,
  fail: (account: AccountId, at: EpochMilliseconds) =>
    sql`UPDATE passwords SET failures = failures + 1, last_failure_at = ${at} WHERE account_id = ${id(account)}`,
  succeed: (account: AccountId) =>
    sql`UPDATE passwords SET failures = 0, last_failure_at = NULL WHERE account_id = ${id(account)} AND failures > 0`,
  model: (row: Row): PasswordCredential => ({
    accountId: idIn(row, 'account_id', 'acc'),
    version: numberIn(row, 'version'),
    phc: textIn(row, 'phc'),
    changedAt: millisecondsIn(row, 'changed_at'),
    failures: numberIn(row, 'failures'),
    lastFailureAt: optional(row, 'last_failure_at', millisecondsIn),
  }),
};
