import { LIMITS } from '@latchkey/protocol/limits';
import type { AccountId, EpochMilliseconds, ResourceId, ResourceIdentifier } from '@latchkey/protocol/types';
import { expect, test } from 'vitest';
import type { Role } from '../accounts/account.ts';
import { decideGrantRole, decideRevokeRole, type RoleFacts } from './roles.ts';

const now = 1_000_000 as EpochMilliseconds;
const moment = { now, position: { epoch: 1, seq: 7 }, catalogue: 1 };
const accountId = 'acc_1' as AccountId;
const identifier = 'https://api.example' as ResourceIdentifier;
const command = { administrator: { id: 'cli_admin', scope: [] }, accountId, resource: identifier, role: 'editor' };
const facts: RoleFacts = {
  account: { id: accountId, version: 1, createdAt: 0 as EpochMilliseconds, disabledAt: undefined, cutOff: undefined },
  resource: {
    id: 'res_1' as ResourceId,
    version: 1,
    identifier,
    audience: identifier,
    name: 'API',
    createdAt: 0 as EpochMilliseconds,
    scope: [],
    algorithm: 'ES256',
    tokenType: 'at+jwt',
    accessTokenSeconds: 300,
    builtIn: false,
  },
  roles: [],
};
const role: Role = { accountId, resource: identifier, role: 'editor' };
const audit = (event: string) => ({
  kind: 'audit.append',
  entry: {
    at: now,
    event,
    actor: 'cli_admin',
    subject: { account: accountId },
    detail: { resource: identifier, role: 'editor' },
  },
});

test('a role is granted, once', () => {
  expect(decideGrantRole(facts, command, moment)).toEqual({
    outcome: { ok: true, value: role },
    expects: [],
    writes: [{ kind: 'role.grant', role }, audit('role.granted')],
  });
  expect(decideGrantRole({ ...facts, roles: [role] }, command, moment).writes).toEqual([]);
});

test('a role is revoked, though its resource is gone', () => {
  expect(decideRevokeRole({ ...facts, resource: undefined, roles: [role] }, command, moment)).toEqual({
    outcome: { ok: true, value: role },
    expects: [],
    writes: [{ kind: 'role.revoke', role }, audit('role.revoked')],
  });
});

test.each([
  ['an account that is not there', { account: undefined }, {}, 'not_found'],
  ['a resource that is not there', { resource: undefined }, {}, 'resource_unknown'],
  ['an empty name', {}, { role: '' }, 'role_invalid'],
  ['a name with a space', {}, { role: 'chief editor' }, 'role_invalid'],
  ['a name one too long', {}, { role: 'r'.repeat(LIMITS.roleMax + 1) }, 'role_invalid'],
])('%s: the role is not granted', (_, more, asked, error) => {
  expect(decideGrantRole({ ...facts, ...more }, { ...command, ...asked }, moment)).toEqual({
    outcome: { ok: false, error },
    expects: [],
    writes: [],
  });
});

test.each([
  [LIMITS.rolesPerAccountMax - 1, true],
  [LIMITS.rolesPerAccountMax, false],
])('an account with %d roles: one more is granted: %s', (count, isGranted) => {
  const roles = Array.from({ length: count }, (_, n): Role => ({ ...role, role: `role-${n}` }));
  expect(decideGrantRole({ ...facts, roles }, command, moment).outcome.ok).toBe(isGranted);
});

test('a role that the account does not have is not revoked', () => {
  expect(decideRevokeRole(facts, command, moment).outcome).toEqual({ ok: false, error: 'not_found' });
});
