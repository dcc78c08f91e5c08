import type { AccessTokenClaims } from '@latchkey/protocol/claims';
import type { EpochSeconds } from '@latchkey/protocol/types';
import { expect, test } from 'vitest';
import { accessOf, staleAccess } from './access.ts';

const claims = (change: object = {}): AccessTokenClaims => ({
  iss: 'https://as.example',
  sub: 'acc_1',
  aud: ['https://api.example'],
  client_id: 'cli_1',
  jti: 'tok_1',
  iat: 1 as EpochSeconds,
  exp: 2 as EpochSeconds,
  ...change,
});

test('RSV-12 RFC 9700 §4.15: a token of a client alone is told from a person’s, and neither is known by a name', () => {
  const about = { email: 'cli_1', username: 'cli_1', preferred_username: 'cli_1' };
  expect(accessOf(claims(about)).principal).toEqual({
    kind: 'account',
    issuer: 'https://as.example',
    subject: 'acc_1',
  });
  expect(accessOf(claims({ ...about, sub: 'cli_1' })).principal).toEqual({
    kind: 'client',
    issuer: 'https://as.example',
    subject: 'cli_1',
  });
});

test('names of the scope claim, roles and permissions; none where there are none', () => {
  const said = { scope: 'a b', roles: ['clerk'], permissions: ['orders:read'] };
  const { scope, roles, permissions, stale } = accessOf(claims(said));
  expect([scope, roles, permissions, stale]).toEqual([['a', 'b'], ['clerk'], ['orders:read'], false]);
  expect(accessOf(claims())).toMatchObject({ scope: [], roles: [], permissions: [] });
});

test('everything of an access is frozen, through and through: requests share it', () => {
  const access = accessOf(
    claims({ scope: 'a', roles: ['clerk'], act: { sub: 'x', act: { sub: 'y' } }, own: [{ a: [1] }] }),
  );
  const isFrozen = (value: unknown): boolean =>
    typeof value !== 'object' || value === null || (Object.isFrozen(value) && Object.values(value).every(isFrozen));
  expect([isFrozen(access), isFrozen(staleAccess(access)), isFrozen(accessOf(claims()))]).toEqual([true, true, true]);
});

test('an access that was accepted while nobody knows is marked, and the other one is not', () => {
  const access = accessOf(claims());
  expect([staleAccess(access), access.stale]).toEqual([{ ...access, stale: true }, false]);
});

test('APK-05: a token of a client’s API key is of the client, whoever exchanged the key', () => {
  const owner = 'cli_00000000000000000000000001';
  const kindOf = (more: object) => accessOf(claims(more)).principal.kind;
  expect(kindOf({ sub: owner, client_id: 'cli_x', api_key: 'key_x' })).toBe('client');
  expect(kindOf({ sub: owner, client_id: 'cli_x' })).toBe('account');
  expect(kindOf({ sub: 'acc_x', client_id: 'key_x', api_key: 'key_x' })).toBe('account');
});
