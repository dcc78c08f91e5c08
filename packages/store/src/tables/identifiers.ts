import type { Identifier } from '@latchkey/domain/accounts/account';
import type { AccountId, NormalisedIdentifier } from '@latchkey/protocol/types';
import { type Row, sql } from '../sql.ts';
import { id, idIn, textIn } from './columns.ts';

export const identifiers = {
  byName: (normalised: NormalisedIdentifier) => sql`SELECT * FROM identifiers WHERE normalised = ${normalised}`,
  ofAccount: (account: AccountId) =>
    sql`SELECT * FROM identifiers WHERE account_id = ${id(account)} ORDER BY normalised`,
  insert: (identifier: Identifier) =>
    sql`INSERT INTO identifiers (normalised, account_id, kind, display) VALUES (${identifier.normalised}, ${id(identifier.accountId)}, ${identifier.kind}, ${identifier.display}) ON CONFLICT DO NOTHING`,
  model: (row: Row): Identifier => ({
    accountId: idIn(row, 'account_id', 'acc'),
    kind: textIn(row, 'kind') === 'email' ? 'email' : 'username',
    normalised: textIn(row, 'normalised') as NormalisedIdentifier,
    display: textIn(row, 'display'),
  }),
};
