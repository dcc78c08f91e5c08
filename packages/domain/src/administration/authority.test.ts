import type { AccessTokenClaims } from '@latchkey/protocol/claims';
import type { AccountId, ClientId, EpochMilliseconds, EpochSeconds } from '@latchkey/protocol/types';
import { describe, expect, test } from 'vitest';
import type { Client } from '../clients/client.ts';
import { allow, refuse } from '../decision.ts';
import type { Reader } from '../ports/reader.ts';
import type { Write } from '../write.ts';
import { administratorOf, loadAdministratorRoles, onAuthorityOf, onAuthorityOfAdministrator } from './authority.ts';

const id = 'cli_00000000000000000000000001' as ClientId;
const claims: AccessTokenClaims = {
  iss: 'https://id.example',
  sub: id,
  aud: 'https://id.example/admin/api',
  client_id: id,
  jti: 'tok_00000000000000000000000001',
  iat: 1_000 as EpochSeconds,
  exp: 1_300 as EpochSeconds,
  pos: '1:5',
};
const client: Client = {
  id,
  version: 1,
  name: 'Administrator',
  createdAt: 0 as EpochMilliseconds,
  deletedAt: undefined,
  authentication: 'client_secret_basic',
  firstParty: false,
  grantTypes: ['client_credentials'],
  scope: [],
  resources: [],
  origins: [],
  applicationType: 'web',
  redirectUris: [],
  postLogoutRedirectUris: [],
  backchannelLogoutUri: undefined,
  backchannelLogoutSessionRequired: false,
  sector: undefined,
  requiresPkce: true,
  idTokenAlgorithm: 'RS256',
  hasScopeClaimsInIdToken: false,
  refreshPolicy: 'rotate',
  overlapMilliseconds: undefined,
  cutOff: undefined,
};
const moment = { now: 1_000_000 as EpochMilliseconds, position: { epoch: 1, seq: 7 }, catalogue: 1 };
const write: Write = { kind: 'client.delete', id, at: moment.now };
const decision = onAuthorityOf(
  claims,
  () => Promise.resolve('facts'),
  (facts) => allow(facts, [write]),
);
const authority = {
  account: undefined,
  client,
  session: undefined,
  family: undefined,
  apiKey: undefined,
  owner: undefined,
  events: [],
};

test('a decision on a live token is what the decision says', () => {
  expect(decision.decide({ authority, facts: 'facts' }, moment)).toEqual(allow('facts', [write]));
});

test.each([
  ['its client was deleted', { client: { ...client, deletedAt: moment.now } }],
  ['its client was cut off behind its place', { client: { ...client, cutOff: { epoch: 1, seq: 6 } } }],
  [
    'it was revoked by its id',
    { events: [{ epoch: 1, seq: 6, kind: 'token', id: claims.jti, exp: 9_999 as EpochSeconds }] as const },
  ],
])('a token that ended since it was proved changes nothing: %s', (_, more) => {
  expect(decision.decide({ authority: { ...authority, ...more }, facts: 'facts' }, moment)).toEqual({
    outcome: { ok: false, error: 'token_revoked' },
    expects: [],
    writes: [],
  });
});

test('a cut-off before the place of the token does not concern it', () => {
  const later = { ...authority, client: { ...client, cutOff: { epoch: 1, seq: 5 } } };
  expect(decision.decide({ authority: later, facts: 'facts' }, moment).outcome.ok).toBe(true);
});

test('the facts about the token are read in the transaction, beside those of the decision', async () => {
  const read: Pick<Reader, 'client' | 'revocationsOf'> = {
    client: () => Promise.resolve(client),
    revocationsOf: () => Promise.resolve([]),
  };
  expect(await decision.load(read as Reader, moment)).toEqual({ authority, facts: 'facts' });
});

describe('a person', () => {
  const accountId = 'acc_00000000000000000000000001' as AccountId;
  const adminApi = claims.aud as string;
  const personal: AccessTokenClaims = { ...claims, sub: accountId, scope: 'keys:write keys:read explain' };
  const role = (name: string, resource = adminApi) => ({ accountId, resource, role: name });

  test('may do what their token says, as far as their roles give it now; a machine may do what its token says', () => {
    expect(administratorOf(personal, [role('auditor')], adminApi)).toEqual({
      id: accountId,
      scope: ['keys:read', 'explain'],
    });
    expect(administratorOf(personal, [role('admin', 'https://api.example')], adminApi).scope).toEqual([]);
    expect(administratorOf({ ...personal, sub: id }, [], adminApi)).toEqual({
      id,
      scope: ['keys:write', 'keys:read', 'explain'],
    });
    expect(administratorOf(claims, [], adminApi).scope).toEqual([]);
  });

  const account = { id: accountId, version: 1, createdAt: moment.now, disabledAt: undefined, cutOff: undefined };
  const read = (roles: readonly object[]) =>
    ({
      client: () => Promise.resolve(client),
      account: () => Promise.resolve(account),
      roles: (asked: string, resource: string) =>
        Promise.resolve(asked === accountId && resource === adminApi ? roles : []),
      revocationsOf: () => Promise.resolve([]),
    }) as unknown as Reader;
  const administrator = { id: accountId, scope: ['keys:read', 'explain'] };
  const onBehalf = onAuthorityOfAdministrator(
    personal,
    administrator,
    adminApi,
    () => Promise.resolve('facts'),
    (facts) => allow(facts, [write]),
  );

  test.each([
    ['still give all of what was proved', [role('auditor')], true],
    ['give more', [role('admin')], true],
    ['give less', [role('support')], false],
    ['are gone', [], false],
  ])('whose roles %s within the transaction: %s', async (_, roles, isAllowed) => {
    const decided = onBehalf.decide(await onBehalf.load(read(roles), moment), moment);
    expect(decided).toEqual(isAllowed ? allow('facts', [write]) : refuse('admin_role_insufficient'));
  });

  test('a machine has no roles, and needs none', async () => {
    expect(await loadAdministratorRoles(read([role('admin')]), { ...personal, sub: id }, adminApi)).toEqual([]);
  });
});
