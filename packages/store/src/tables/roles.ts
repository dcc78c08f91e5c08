import type { Role } from '@latchkey/domain/accounts/account';
import type { AccountId } from '@latchkey/protocol/types';
import { type Row, sql } from '../sql.ts';
import { id, idIn, textIn } from './columns.ts';

export const roles = {
  ofAccount: (account: AccountId) => sql`SELECT * FROM roles WHERE account_id = ${id(account)} ORDER BY resource, role`,
  at: (account: AccountId, resource: string) =>
    sql`SELECT * FROM roles WHERE account_id = ${id(account)} AND resource = ${resource} ORDER BY role`,
  holders: (resource: string, role: string, limit: number) =>
    sql`SELECT * FROM roles WHERE resource = ${resource} AND role = ${role} ORDER BY account_id LIMIT ${limit}`,
  insert: (role: Role) =>
    sql`INSERT INTO roles (account_id, resource, role) VALUES (${id(role.accountId)}, ${role.resource}, ${role.role}) ON CONFLICT DO NOTHING`,
  remove: (role: Role) =>
    sql`DELETE FROM roles WHERE account_id = ${id(role.accountId)} AND resource = ${role.resource} AND role = ${role.role}`,
  model: (row: Row): Role => ({
    accountId: idIn(row, 'account_id', 'acc'),
    resource: textIn(row, 'resource'),
    role: textIn(row, 'role'),
  }),
};
