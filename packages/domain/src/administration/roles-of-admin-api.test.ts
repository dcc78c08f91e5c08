import type { AccountId, ResourceIdentifier } from '@latchkey/protocol/types';
import * as row from '@latchkey/testkit/conformance/rows';
import { expect, test } from 'vitest';
import {
  ADMIN_ROLES,
  type AdminRole,
  askedByRoles,
  isAdminRole,
  scopeByRoles,
  scopesOf,
} from './roles-of-admin-api.ts';
import { ADMIN_SCOPES } from './scopes.ts';

const accountId = 'acc_1' as AccountId;
const OTHER = 'https://other.example' as ResourceIdentifier;
const role = (name: string, resource: string = row.ADMIN_API) => ({ accountId, resource, role: name });
const scopes = (...names: readonly string[]) =>
  scopesOf(
    names.map((name) => role(name)),
    row.ADMIN_API,
  );

test('RFC 9700 §2.3: the roles of the admin API, each with what it gives', () => {
  const marks = Object.fromEntries(Object.keys(ADMIN_ROLES).map((name) => [name, scopes(name).join(' ')]));
  expect(marks).toEqual({
    admin: ADMIN_SCOPES.join(' '),
    operator:
      'accounts:read clients:read clients:write resources:read resources:write api_keys:read api_keys:write sessions:read sessions:write tokens:revoke keys:read keys:write audit:read explain',
    support: 'accounts:read api_keys:read sessions:read sessions:write tokens:revoke explain',
    auditor: 'accounts:read clients:read resources:read api_keys:read sessions:read keys:read audit:read explain',
  });
});

test('RFC 9700 §2.3: only an admin may write accounts or roles, with which one could become anybody', () => {
  const others = (Object.keys(ADMIN_ROLES) as readonly AdminRole[]).filter((name) => name !== 'admin');
  for (const name of others)
    for (const taking of ['accounts:write', 'roles:write'] as const)
      expect([name, taking, scopes(name).includes(taking)]).toEqual([name, taking, false]);
  expect(scopes('auditor').filter((name) => /:(write|revoke)$/.test(name))).toEqual([]);
});

test('roles add up; those of other resources and those that nobody knows give nothing', () => {
  expect(scopes('support', 'auditor')).toEqual(
    ADMIN_SCOPES.filter((name) => [...scopes('support'), ...scopes('auditor')].includes(name)),
  );
  expect(scopesOf([role('admin', row.API), role('constructor'), role('Admin')], row.ADMIN_API)).toEqual([]);
  expect([isAdminRole('admin'), isAdminRole('hasOwnProperty')]).toEqual([true, false]);
});

test('a scope at the admin API is what the roles give of it; at any other API it stays', () => {
  const atAdminApi = { identifier: row.ADMIN_API };
  const asked = ['keys:write', 'explain', 'accounts:read'];
  expect(scopeByRoles(asked, atAdminApi, [role('support')], row.ADMIN_API)).toEqual(['explain', 'accounts:read']);
  expect(scopeByRoles(['keys:write'], atAdminApi, [role('support')], row.ADMIN_API)).toBeUndefined();
  expect(scopeByRoles([], atAdminApi, [role('admin')], row.ADMIN_API)).toBeUndefined();
  expect(scopeByRoles(asked, { identifier: row.API }, [], row.ADMIN_API)).toBe(asked);
});

test('what a person can allow of a request: scopes of the admin API as far as their roles go, and one at least', () => {
  const resources = [
    row.resource(1, { identifier: row.ADMIN_API, scope: ADMIN_SCOPES }),
    row.resource(2, { identifier: OTHER, scope: ['keys:write', 'read'] }),
  ];
  const asked = {
    scope: ['openid', 'keys:write', 'keys:read', 'explain', 'read'],
    resources: [row.ADMIN_API, OTHER],
    idTokenClaims: [],
  };
  const may = (...names: readonly string[]) =>
    askedByRoles(
      asked,
      resources,
      names.map((name) => role(name)),
      row.ADMIN_API,
    );
  expect(may('admin')).toEqual(asked);
  // a name that another API knows too is for that one to judge
  expect(may('support')).toEqual({ ...asked, scope: ['openid', 'keys:write', 'explain', 'read'] });
  expect(may()).toBeUndefined();
  const elsewhere = { ...asked, resources: [OTHER] };
  expect(askedByRoles(elsewhere, resources, [], row.ADMIN_API)).toBe(elsewhere);
});
