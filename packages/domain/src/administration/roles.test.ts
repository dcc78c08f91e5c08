import { DURATIONS, LIMITS } from '@latchkey/protocol/limits';
import type { AccountId, EpochMilliseconds, ResourceId, ResourceIdentifier } from '@latchkey/protocol/types';
import { expect, test } from 'vitest';
import type { Role } from '../accounts/account.ts';
import { PLAIN_RESOURCE } from '../clients/resource.ts';
import { decideGrantRole, decideRevokeRole, type RevokeRoleFacts } from './roles.ts';
import { ADMIN_ROLES, type AdminRole } from './roles-of-admin-api.ts';
import { ADMIN_SCOPES } from './scopes.ts';

const now = 1_000_000 as EpochMilliseconds;
const moment = { now, position: { epoch: 1, seq: 7 }, catalogue: 1 };
const accountId = 'acc_1' as AccountId;
const identifier = 'https://api.example' as ResourceIdentifier;
const adminApi = 'https://id.example/admin/api' as ResourceIdentifier;
const command = {
  administrator: { id: 'cli_admin', scope: [] },
  accountId,
  resource: identifier,
  role: 'editor',
  adminApi,
};
const facts: RevokeRoleFacts = {
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
    ...PLAIN_RESOURCE,
    builtIn: false,
  },
  roles: [],
  liveApiKeys: 0,
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

test('what verifiers keep of the API keys of who loses a role is not true any more', () => {
  const exp = now / 1000 + DURATIONS.eventRetention;
  expect(decideRevokeRole({ ...facts, roles: [role], liveApiKeys: 1 }, command, moment).writes).toEqual([
    { kind: 'role.revoke', role },
    { kind: 'revocation.emit', event: { kind: 'changed', id: accountId, exp } },
    audit('role.revoked'),
  ]);
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

const ofAdminApi: RevokeRoleFacts = {
  ...facts,
  resource: facts.resource === undefined ? undefined : { ...facts.resource, identifier: adminApi },
};
const at = (name: string, scope: readonly string[]) => ({
  ...command,
  administrator: { id: 'acc_2', scope },
  resource: adminApi,
  role: name,
});
const errorOf = ({ outcome }: ReturnType<typeof decideGrantRole>) => (outcome.ok ? undefined : outcome.error);

test('RFC 9700 §2.3: nobody gives or takes a role of the admin API that may do more than they may', () => {
  const names = Object.keys(ADMIN_ROLES) as readonly AdminRole[];
  for (const name of names) {
    const held = { ...ofAdminApi, roles: [{ accountId, resource: adminApi, role: name }] };
    expect([name, errorOf(decideGrantRole(ofAdminApi, at(name, ADMIN_ROLES[name]), moment))]).toEqual([
      name,
      undefined,
    ]);
    expect([name, errorOf(decideRevokeRole(held, at(name, ADMIN_ROLES[name]), moment))]).toEqual([name, undefined]);
    for (const missing of ADMIN_ROLES[name]) {
      const less = at(
        name,
        ADMIN_SCOPES.filter((scope) => scope !== missing),
      );
      expect([name, missing, errorOf(decideGrantRole(ofAdminApi, less, moment))]).toEqual([
        name,
        missing,
        'scope_insufficient',
      ]);
      expect([name, missing, decideRevokeRole(held, less, moment)]).toEqual([
        name,
        missing,
        { outcome: { ok: false, error: 'scope_insufficient' }, expects: [], writes: [] },
      ]);
    }
  }
});

test('the admin API knows its roles by name; one that it does not know is not granted there, and can be taken away', () => {
  for (const name of ['editor', 'Admin', 'constructor', 'toString'])
    expect([name, errorOf(decideGrantRole(ofAdminApi, at(name, ADMIN_SCOPES), moment))]).toEqual([
      name,
      'admin_role_unknown',
    ]);
  const held = { ...ofAdminApi, roles: [{ accountId, resource: adminApi, role: 'editor' }] };
  expect(errorOf(decideRevokeRole(held, at('editor', []), moment))).toBeUndefined();
});
