import type { Profile, ProfileClaims } from '@latchkey/domain/accounts/profile';
import type { AccountId } from '@latchkey/protocol/types';
import { type Row, sql } from '../sql.ts';
import { id, idIn, json, jsonIn, millisecondsIn, numberIn } from './columns.ts';

export const profiles = {
  ofAccount: (account: AccountId) => sql`SELECT * FROM profiles WHERE account_id = ${id(account)}`,
  /** The row of its version before, or none yet. */
  set: ({ accountId, version, claims, updatedAt }: Profile) =>
    sql`INSERT INTO profiles (account_id, version, claims, updated_at) VALUES (${id(accountId)}, ${version}, ${json(claims)}, ${updatedAt}) ON CONFLICT (account_id) DO UPDATE SET version = excluded.version, claims = excluded.claims, updated_at = excluded.updated_at WHERE profiles.version = excluded.version - 1`,
  model: (row: Row): Profile => ({
    accountId: idIn(row, 'account_id', 'acc'),
    version: numberIn(row, 'version'),
    claims: jsonIn<ProfileClaims>(row, 'claims'),
    updatedAt: millisecondsIn(row, 'updated_at'),
  }),
};
