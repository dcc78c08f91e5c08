import type { Consent } from '@latchkey/domain/authorization/consent';
import type { AccountId, ClientId, EpochMilliseconds, ResourceIdentifier } from '@latchkey/protocol/types';
import { type Row, sql } from '../sql.ts';
import { id, idIn, json, jsonIn, millisecondsIn } from './columns.ts';

export const consents = {
  of: (account: AccountId, client: ClientId) =>
    sql`SELECT * FROM consents WHERE account_id = ${id(account)} AND client_id = ${id(client)}`,
  ofAccount: (account: AccountId) =>
    sql`SELECT * FROM consents WHERE account_id = ${id(account)} ORDER BY client_id LIMIT 1000`,
  withdraw: (account: AccountId, client: ClientId) =>
    sql`DELETE FROM consents WHERE account_id = ${id(account)} AND client_id = ${id(client)}`,
  store: ({ accountId, clientId, scope, resources, givenAt }: Consent) =>
    sql`INSERT INTO consents (account_id, client_id, scope, resources, given_at) VALUES (${id(accountId)}, ${id(clientId)}, ${json(scope)}, ${json(resources)}, ${givenAt}) ON CONFLICT (account_id, client_id) DO UPDATE SET scope = excluded.scope, resources = excluded.resources, given_at = excluded.given_at`,
  /** What was allowed to a client that is deleted. */
  expire: (before: EpochMilliseconds, limit: number) =>
    sql`DELETE FROM consents WHERE (account_id, client_id) IN (SELECT s.account_id, s.client_id FROM consents s JOIN clients c ON c.id = s.client_id WHERE c.deleted_at < ${before} LIMIT ${limit})`,
  model: (row: Row): Consent => ({
    accountId: idIn(row, 'account_id', 'acc'),
    clientId: idIn(row, 'client_id', 'cli'),
    scope: jsonIn<readonly string[]>(row, 'scope'),
    resources: jsonIn<readonly ResourceIdentifier[]>(row, 'resources'),
    givenAt: millisecondsIn(row, 'given_at'),
  }),
};
