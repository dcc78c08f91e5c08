import type { Account } from '@latchkey/domain/accounts/account';
import type { Page } from '@latchkey/domain/ports/reader';
import type { AccountId, EpochMilliseconds } from '@latchkey/protocol/types';
import { type Row, sql } from '../sql.ts';
import { id, idIn, isNull, millisecondsIn, numberIn, optional, orNull, positionIn } from './columns.ts';

export const accounts = {
  byId: (account: AccountId) => sql`SELECT * FROM accounts WHERE id = ${id(account)}`,
  version: (account: AccountId) => sql`SELECT version FROM accounts WHERE id = ${id(account)}`,
  page: ({ after, limit }: Page<AccountId>) =>
    sql`SELECT * FROM accounts WHERE id > ${after === undefined ? new Uint8Array(0) : id(after)} ORDER BY id LIMIT ${limit}`,
  insert: (account: Account) =>
    sql`INSERT INTO accounts (id, version, created_at, disabled_at) VALUES (${id(account.id)}, ${account.version}, ${account.createdAt}, ${orNull(account.disabledAt)})`,
  disable: (account: AccountId, at: EpochMilliseconds) =>
    sql`UPDATE accounts SET disabled_at = ${at}, version = version + 1 WHERE id = ${id(account)} AND disabled_at IS NULL`,
  enable: (account: AccountId) =>
    sql`UPDATE accounts SET disabled_at = NULL, version = version + 1 WHERE id = ${id(account)} AND disabled_at IS NOT NULL`,
  /** The cut-off is the event that was emitted last in this transaction. */
  cutOff: (account: AccountId) =>
    sql`UPDATE accounts SET cutoff_epoch = (SELECT epoch FROM state), cutoff_seq = (SELECT seq FROM state), version = version + 1 WHERE id = ${id(account)}`,
  model: (row: Row): Account => ({
    id: idIn(row, 'id', 'acc'),
    version: numberIn(row, 'version'),
    createdAt: millisecondsIn(row, 'created_at'),
    disabledAt: optional(row, 'disabled_at', millisecondsIn),
    cutOff: isNull(row, 'cutoff_epoch') ? undefined : positionIn(row, 'cutoff'),
  }),
};
