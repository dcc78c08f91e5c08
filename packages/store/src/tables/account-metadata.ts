import type { AccountMetadata, MetadataValues } from '@latchkey/domain/accounts/metadata';
import type { AccountId } from '@latchkey/protocol/types';
import { type Row, sql } from '../sql.ts';
import { id, idIn, json, jsonIn, numberIn, optional, orNull, textIn } from './columns.ts';

export const accountMetadata = {
  ofAccount: (account: AccountId) => sql`SELECT * FROM account_metadata WHERE account_id = ${id(account)}`,
  /** The row of its version before, or none yet. */
  set: ({ accountId, version, tenant, values }: AccountMetadata) =>
    sql`INSERT INTO account_metadata (account_id, version, tenant, entries) VALUES (${id(accountId)}, ${version}, ${orNull(tenant)}, ${json(values)}) ON CONFLICT (account_id) DO UPDATE SET version = excluded.version, tenant = excluded.tenant, entries = excluded.entries WHERE account_metadata.version = excluded.version - 1`,
  model: (row: Row): AccountMetadata => ({
    accountId: idIn(row, 'account_id', 'acc'),
    version: numberIn(row, 'version'),
    tenant: optional(row, 'tenant', textIn),
    values: jsonIn<MetadataValues>(row, 'entries'),
  }),
};
