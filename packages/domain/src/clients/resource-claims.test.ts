import { LIMITS } from '@latchkey/protocol/limits';
import { describe, expect, test } from 'vitest';
import { PLAIN_RESOURCE, type Resource } from './resource.ts';
import { claimsProblem, tidied } from './resource-claims.ts';

type Said = Parameters<typeof claimsProblem>[0];
const many = <T>(count: number, make: (index: number) => T): readonly T[] =>
  Array.from({ length: count }, (_, i) => make(i));
const claims = (count: number) => many(count, (index) => ({ claim: `c${index}`, from: 'plan' }));
const roles = (count: number) => Object.fromEntries(many(count, (index) => [`role${index}`, ['read']]));
const map = (claim: string, from = 'plan'): Partial<Said> => ({ claims: [{ claim, from }] });

describe('what a resource may want its tokens to say', () => {
  const cases: readonly (readonly [string, Partial<Said>, object | undefined])[] = [
    ['nothing', {}, undefined],
    ['a claim of its own', map('https://api.example/plan'), undefined],
    ['as many as may be', { claims: claims(LIMITS.mappedClaimsMax) }, undefined],
    [
      'one more',
      { claims: claims(LIMITS.mappedClaimsMax + 1) },
      { error: 'claim_invalid', detail: 'There may be 20 claims.' },
    ],
    ['no name', map('a b'), { error: 'claim_invalid', detail: 'It is number 1 of the claims.' }],
    ['no name of an entry', map('plan', 'a b'), { error: 'claim_invalid', detail: 'It is number 1 of the claims.' }],
    [
      'one claim twice',
      { claims: [...claims(2), { claim: 'c1', from: 'seats' }] },
      { error: 'claim_invalid', detail: 'It is number 3 of the claims.' },
    ],
    ['a claim of the protocol', map('roles'), { error: 'claim_reserved', detail: 'It is roles.' }],
    [
      'a secret',
      map('api_key_of_billing'),
      { error: 'claim_sensitive', detail: 'api_key_of_billing: a secret, which no token may hold.' },
    ],
    [
      'a secret under another name',
      { ...map('plan', 'password'), format: 'jwe' },
      { error: 'claim_sensitive', detail: 'password: a secret, which no token may hold.' },
    ],
    [
      'something personal',
      map('birthdate'),
      { error: 'claim_sensitive', detail: 'birthdate: personal, and this resource has tokens that anybody can read.' },
    ],
    ['the same, encrypted', { ...map('birthdate'), format: 'jwe' }, undefined],
    [
      'an e-mail address',
      map('contact', 'email'),
      {
        error: 'claim_sensitive',
        detail: 'email: personal, and this resource has tokens that anybody can read; allow_email_claim allows it.',
      },
    ],
    ['the same, allowed', { ...map('contact', 'email'), allowsEmailClaim: true }, undefined],
    ['permissions', { permissions: { clerk: ['orders:read', 'orders:*'] } }, undefined],
    ['as many roles as may be', { permissions: roles(LIMITS.permissionRolesMax) }, undefined],
    [
      'one role more',
      { permissions: roles(LIMITS.permissionRolesMax + 1) },
      { error: 'permission_invalid', detail: 'There may be 100 roles.' },
    ],
    [
      'a role that is none',
      { permissions: { 'a b': [] } },
      { error: 'permission_invalid', detail: 'It is number 1 of the roles.' },
    ],
    [
      'as many permissions as may be',
      { permissions: { clerk: many(LIMITS.permissionsPerRoleMax, (index) => `p${index}`) } },
      undefined,
    ],
    [
      'one permission more',
      { permissions: { clerk: many(LIMITS.permissionsPerRoleMax + 1, (index) => `p${index}`) } },
      { error: 'permission_invalid', detail: 'It is number 1 of the roles.' },
    ],
    ['the longest permission', { permissions: { clerk: ['x'.repeat(LIMITS.permissionMax)] } }, undefined],
    [
      'a permission one longer',
      { permissions: { a: [], clerk: ['x'.repeat(LIMITS.permissionMax + 1)] } },
      { error: 'permission_invalid', detail: 'It is number 2 of the roles.' },
    ],
    [
      'a permission with a blank',
      { permissions: { clerk: ['a b'] } },
      { error: 'permission_invalid', detail: 'It is number 1 of the roles.' },
    ],
  ];
  test.each(cases)('%s', (_, change, problem) => {
    expect(claimsProblem({ ...PLAIN_RESOURCE, ...change })).toEqual(problem);
  });
});

test('what is kept has everything once and in one order, and only what was given', () => {
  const given = {
    claims: [Object.assign({ claim: 'plan', from: 'plan' }, { more: 1 })],
    permissions: { clerk: ['write', 'read', 'write'], a: [] },
    allowsEmailClaim: true,
    accessTokenBytes: 4096,
    name: 'x',
  } as Partial<Resource>;
  const kept = tidied(given);
  expect(kept).toEqual({
    claims: [{ claim: 'plan', from: 'plan' }],
    permissions: { a: [], clerk: ['read', 'write'] },
    allowsEmailClaim: true,
    accessTokenBytes: 4096,
  });
  expect(Object.keys(kept.permissions ?? {})).toEqual(['a', 'clerk']);
  expect(tidied({})).toEqual({});
});
