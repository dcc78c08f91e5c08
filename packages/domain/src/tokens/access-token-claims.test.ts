import * as row from '@latchkey/testkit/conformance/rows';
import { expect, test } from 'vitest';
import type { AccessGrant } from './access-grant.ts';
import { accessTokenClaims } from './access-token-claims.ts';

const family = row.family(1);
const machine: AccessGrant = {
  subject: row.idOf('cli', 1),
  clientId: row.idOf('cli', 1),
  resource: row.resource(1, { audience: 'api', accessTokenSeconds: 300 }),
  scope: [],
  roles: [],
  permissions: [],
  tenant: undefined,
  custom: {},
  issuedAt: row.after(0),
  pos: { epoch: 1, seq: 2 },
  cnf: undefined,
  person: undefined,
  apiKey: undefined,
};
const jti = row.idOf('tok', 1);
const iat = Math.floor(row.after(0) / 1000);
const least = {
  iss: 'https://id.example',
  sub: row.idOf('cli', 1),
  aud: 'api',
  client_id: row.idOf('cli', 1),
  jti,
  iat,
  exp: iat + 300,
  pos: '1:2',
};

test('RSV-08 RFC 9068 §2.2: a machine’s token says what it must and nothing more', () => {
  expect(accessTokenClaims(machine, 'https://id.example', jti)).toEqual(least);
});

test('RSV-08 RFC 9068 §2.2: a person’s token says how they signed in, what they may do and what is mapped, and not who they are', () => {
  const person = {
    familyId: family.id,
    familyExpiresAt: row.after(60_000),
    sessionId: row.idOf('ses', 1),
    authTime: iat as never,
    amr: ['pwd'],
    acr: 'one',
  };
  const grant: AccessGrant = {
    ...machine,
    scope: ['a', 'b'],
    roles: ['clerk'],
    permissions: ['orders:read'],
    tenant: 'acme',
    custom: { plan: 'gold' },
    cnf: { jkt: 'k' },
    person,
  };
  const said = {
    ...least,
    exp: Math.ceil(row.after(60_000) / 1000),
    scope: 'a b',
    roles: ['clerk'],
    permissions: ['orders:read'],
    org_id: 'acme',
    cnf: { jkt: 'k' },
    fid: family.id,
    plan: 'gold',
  };
  const how = { sid: person.sessionId, auth_time: iat, amr: ['pwd'], acr: 'one' };
  expect(accessTokenClaims(grant, 'https://id.example', jti)).toEqual({ ...said, ...how });
  const bare = { ...person, sessionId: undefined, authTime: undefined, amr: [], acr: undefined };
  expect(accessTokenClaims({ ...grant, person: bare }, 'https://id.example', jti)).toEqual(said);
});

test.each([
  [299_000, 300, 299],
  [300_000, 300, 300],
  [301_000, 300, 300],
  [3_600_000, 3_600, 300],
  [3_600_000, 60, 60],
])('APK-05: a key that is good for %d ms more, a resource of %d s: the token lives for %d s', (left, life, lives) => {
  const resource = { ...machine.resource, accessTokenSeconds: life };
  const act = { sub: 'x' };
  const apiKey = { id: row.idOf('key', 1), goodUntil: row.after(left), act };
  const of = (grant: Partial<AccessGrant>) =>
    accessTokenClaims({ ...machine, resource, ...grant }, 'https://id.example', jti);
  expect(of({ apiKey })).toEqual({ ...least, exp: iat + lives, api_key: apiKey.id, act });
  expect(of({ apiKey: { ...apiKey, act: undefined } })).toEqual({ ...least, exp: iat + lives, api_key: apiKey.id });
});
