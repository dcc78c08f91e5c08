import type { Role } from '@latchkey/domain/accounts/account';
import {
  decideGrantRole,
  decideRevokeRole,
  loadRevokeRole,
  loadRole,
  type RoleCommand,
} from '@latchkey/domain/administration/roles';
import type { Administrator } from '@latchkey/domain/administration/scopes';
import { parseId } from '@latchkey/protocol/ids';
import { LIMITS } from '@latchkey/protocol/limits';
import { fail, ok, type Result } from '@latchkey/protocol/result';
import { z } from 'zod';
import type { Call, Refusal } from '../../server.ts';
import { type AdminEndpoint, adminEndpoint } from './admin-endpoint.ts';

const ROLE = z.strictObject({
  resource: z.string().min(1).max(LIMITS.resourceIdentifierMax),
  role: z.string().min(1).max(LIMITS.roleMax),
});
const roleView = ({ resource, role }: Role) => ({ resource, role });

const listRoles = adminEndpoint({
  method: 'GET',
  path: '/accounts/:id/roles',
  summary: 'Lists the roles of an account.',
  scope: 'accounts:read',
  success: { status: 200, schema: z.object({ items: z.array(ROLE) }) },
  async answer({ params, server }) {
    const id = parseId('acc', params.id ?? '');
    if (id === undefined || (await server.store.read.account(id)) === undefined) return fail({ error: 'not_found' });
    return ok({ items: (await server.store.read.roles(id, undefined)).map(roleView) });
  },
});

const grantRole = adminEndpoint({
  method: 'POST',
  path: '/accounts/:id/roles',
  summary: 'Grants a role at a resource to an account; it stands in the next access token.',
  scope: 'roles:write',
  body: ROLE,
  success: { status: 201, schema: ROLE },
  async answer({ params, body, administrator, adminApi, server }) {
    const command = commandOf(params, body, administrator, adminApi);
    if (!command.ok) return command;
    const { outcome } = await server.commit(
      (read) => loadRole(read, command.value),
      (facts, moment) => decideGrantRole(facts, command.value, moment),
    );
    return outcome.ok ? ok(roleView(outcome.value)) : fail({ error: outcome.error });
  },
});

const revokeRole = adminEndpoint({
  method: 'DELETE',
  path: '/accounts/:id/roles',
  summary: 'Takes a role at a resource from an account.',
  scope: 'roles:write',
  query: ROLE,
  success: { status: 204 },
  async answer({ params, query, administrator, adminApi, server }) {
    const command = commandOf(params, query, administrator, adminApi);
    if (!command.ok) return command;
    const { outcome } = await server.commit(
      (read, moment) => loadRevokeRole(read, command.value, moment),
      (facts, moment) => decideRevokeRole(facts, command.value, moment),
    );
    return outcome.ok ? ok(undefined) : fail({ error: outcome.error });
  },
});

function commandOf(
  params: Call['params'],
  asked: z.infer<typeof ROLE>,
  administrator: Administrator,
  adminApi: string,
): Result<RoleCommand, Refusal> {
  const accountId = parseId('acc', params.id ?? '');
  return accountId === undefined ? fail({ error: 'not_found' }) : ok({ administrator, accountId, adminApi, ...asked });
}

export const ROLE_ROUTES: readonly AdminEndpoint[] = [listRoles, grantRole, revokeRole];
