import * as row from '@latchkey/testkit/conformance/rows';
import { expect, test } from 'vitest';
import { apiKeyAddedClaims } from './added-claims.ts';

test('APK-03: a key says what its owner has at the resource; the organisation is its own, where it has one', () => {
  const resource = row.resource(1, { permissions: { clerk: ['file', 'read'], chief: ['read', 'hire'] } });
  const roles = [{ role: 'clerk' }, { role: 'chief' }];
  const metadata = { accountId: row.idOf('acc', 1), version: 1, tenant: 'south', values: {} };
  const said = { roles: ['clerk', 'chief'], permissions: ['file', 'hire', 'read'], custom: {} };
  const sources = { roles, metadata, hook: undefined };
  expect(apiKeyAddedClaims(row.apiKey(1), resource, sources)).toEqual({ ...said, tenant: 'south' });
  expect(apiKeyAddedClaims(row.apiKey(1, { tenant: 'north' }), resource, sources)).toEqual({
    ...said,
    tenant: 'north',
  });
});
