import type { Identifier } from '@latchkey/domain/accounts/account';
import type { AccountId, EpochMilliseconds, NormalisedIdentifier } from '@latchkey/protocol/types';
import { type Row, sql } from '../sql.ts';
import { id, idIn, millisecondsIn, optional, orNull, textIn } from './columns.ts';

export const identifiers = {
  byName: (normalised: NormalisedIdentifier) => sql`SELECT * FROM identifiers WHERE normalised = ${normalised}`,
  ofAccount: (account: AccountId) =>
    sql`SELECT * FROM identifiers WHERE account_id = ${id(account)} ORDER BY normalised`,
  insert: (identifier: Identifier) =>
    sql`INSERT INTO identifiers (normalised, account_id, kind, display, verified_at) VALUES (${identifier.normalised}, ${id(identifier.accountId)}, ${identifier.kind}, ${identifier.display}, ${orNull(identifier.verifiedAt)}) ON CONFLICT DO NOTHING`,
  remove: (normalised: NormalisedIdentifier, account: AccountId) =>
    sql`DELETE FROM identifiers WHERE normalised = ${normalised} AND account_id = ${id(account)}`,
  verify: (normalised: NormalisedIdentifier, at: EpochMilliseconds) =>
    sql`UPDATE identifiers SET verified_at = COALESCE(verified_at, ${at}) WHERE normalised = ${normalised}`,
  model: (row: Row): Identifier => ({
    accountId: idIn(row, 'account_id', 'acc'),
    kind: textIn(row, 'kind') === 'email' ? 'email' : 'username',
    normalised: textIn(row, 'normalised') as NormalisedIdentifier,
    display: textIn(row, 'display'),
    verifiedAt: optional(row, 'verified_at', millisecondsIn),
  }),
};
