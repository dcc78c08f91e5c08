import * as row from '@latchkey/testkit/conformance/rows';
import { expect, test } from 'vitest';
import type { Resource } from '../clients/resource.ts';
import { addedClaims, type ClaimSources } from './added-claims.ts';

const permissions = { clerk: ['orders:read', 'orders:write'], auditor: ['orders:read', 'audit:read'] };
const claims = [
  { claim: 'https://api.example/plan', from: 'plan' },
  { claim: 'seats', from: 'seats' },
  { claim: 'missing', from: 'nothing' },
  { claim: 'inherited', from: 'toString' },
];
const metadata = row.metadata(1, { tenant: 'acme', values: { plan: 'gold', seats: 12, unmapped: 'x', email: 'a@b' } });
const added = (sources: Partial<ClaimSources>, change: Partial<Resource> = {}) =>
  addedClaims(row.resource(1, { permissions, claims, ...change }), {
    roles: [],
    metadata: undefined,
    hook: undefined,
    ...sources,
  });

test('permissions are what the roles add up to, each once; a role that the resource does not know gives none', () => {
  const roles = [{ role: 'clerk' }, { role: 'constructor' }, { role: 'auditor' }, { role: 'guest' }];
  expect(added({ roles })).toEqual({
    roles: ['clerk', 'constructor', 'auditor', 'guest'],
    permissions: ['audit:read', 'orders:read', 'orders:write'],
    tenant: undefined,
    custom: {},
  });
});

test('claims are what metadata has under the names that the resource maps, and nothing else of them', () => {
  expect(added({ metadata })).toEqual({
    roles: [],
    permissions: [],
    tenant: 'acme',
    custom: { 'https://api.example/plan': 'gold', seats: 12 },
  });
});

test('a hook takes away mapped claims and adds its own, over a mapped one too', () => {
  const hook = { remove: ['https://api.example/plan'], add: { seats: 13, tier: { a: [1] } } };
  expect(added({ metadata, hook }).custom).toEqual({ seats: 13, tier: { a: [1] } });
});

test('RSV-08: what the resource as it is now must not say is left out, whoever wanted it', () => {
  const wants = { claims: [{ claim: 'contact', from: 'email' }] };
  const hook = { remove: [], add: { birthdate: '1815-12-10', roles: ['admin'], client_secret: 'x' } };
  expect(added({ metadata, hook }, wants).custom).toEqual({});
  expect(added({ metadata, hook }, { ...wants, allowsEmailClaim: true }).custom).toEqual({ contact: 'a@b' });
  expect(added({ metadata, hook }, { ...wants, format: 'opaque' }).custom).toEqual({
    contact: 'a@b',
    birthdate: '1815-12-10',
  });
});
