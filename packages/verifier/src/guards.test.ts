import type { AccessTokenClaims } from '@latchkey/protocol/claims';
import type { EpochSeconds } from '@latchkey/protocol/types';
import { describe, expect, test } from 'vitest';
import { accessOf } from './access.ts';
import { guardError, type Requirements } from './guards.ts';

const NOW = 1_795_000_000;
const access = (change: object = {}) =>
  accessOf({
    iss: 'https://as.example',
    sub: 'acc_1',
    aud: 'https://api.example',
    client_id: 'cli_1',
    jti: 'tok_1',
    iat: NOW as EpochSeconds,
    exp: (NOW + 300) as EpochSeconds,
    scope: 'a b',
    roles: ['clerk', 'auditor'],
    permissions: ['orders:read', 'orders:write'],
    auth_time: (NOW - 60) as EpochSeconds,
    acr: 'pwd',
    ...change,
  } as AccessTokenClaims);

describe('what a route asks for', () => {
  const cases: readonly (readonly [string, object, Requirements, string | undefined])[] = [
    ['nothing', {}, {}, undefined],
    ['all scopes', {}, { scope: ['a', 'b'] }, undefined],
    ['one scope that is missing', {}, { scope: ['a', 'c'] }, 'scope_insufficient'],
    ['a scope that is a part of a name', {}, { scope: ['ab'] }, 'scope_insufficient'],
    ['a scope, of a token without', { scope: undefined }, { scope: ['a'] }, 'scope_insufficient'],
    ['no scope at all', { scope: undefined }, { scope: [] }, undefined],
    ['one of the roles', {}, { roles: ['boss', 'clerk'] }, undefined],
    ['other roles', {}, { roles: ['boss'] }, 'role_insufficient'],
    ['a role, of a token without', { roles: undefined }, { roles: ['clerk'] }, 'role_insufficient'],
    ['one of no roles: nobody has that', {}, { roles: [] }, 'role_insufficient'],
    ['all of the permissions', {}, { permissions: ['orders:write', 'orders:read'] }, undefined],
    ['one permission that is missing', {}, { permissions: ['orders:read', 'audit'] }, 'permission_insufficient'],
    [
      'a permission, of a token without',
      { permissions: undefined },
      { permissions: ['audit'] },
      'permission_insufficient',
    ],
    ['no permission at all', { permissions: undefined }, { permissions: [] }, undefined],
    ['role before permission', {}, { roles: ['boss'], permissions: ['audit'] }, 'role_insufficient'],
    ['scope and role: the scope is told first', {}, { scope: ['c'], roles: ['boss'] }, 'scope_insufficient'],
    ['authority before freshness', {}, { roles: ['boss'], maxAgeSeconds: 0 }, 'role_insufficient'],
  ];
  test.each(cases)('%s', (_, change, asked, error) => {
    expect(guardError(access(change), asked, NOW)).toBe(error);
  });
});

describe('RSV-10 RFC 9470 §3: how a person authenticated', () => {
  test('a login 59, 60 and 61 seconds old, where 60 may be', () => {
    const asked = { maxAgeSeconds: 60 };
    const seen = [59, 60, 61].map((age) => guardError(access({ auth_time: NOW - age }), asked, NOW));
    expect(seen).toEqual([undefined, undefined, 'authentication_too_old']);
  });
  const cases: readonly (readonly [string, object, Requirements, string | undefined])[] = [
    ['a token that says nothing of a login', { auth_time: undefined }, { maxAgeSeconds: 60 }, 'authentication_too_old'],
    ['a machine’s token', { sub: 'cli_1', auth_time: undefined }, { maxAgeSeconds: 60 }, 'authentication_too_old'],
    ['one of the ways', {}, { acrValues: ['mfa', 'pwd'] }, undefined],
    ['another way', {}, { acrValues: ['mfa'] }, 'authentication_too_old'],
    ['no way', { acr: undefined }, { acrValues: ['pwd'] }, 'authentication_too_old'],
    ['recent enough, but not strong enough', {}, { maxAgeSeconds: 60, acrValues: ['mfa'] }, 'authentication_too_old'],
  ];
  test.each(cases)('%s', (_, change, asked, error) => {
    expect(guardError(access(change), asked, NOW)).toBe(error);
  });
});
