import type { AccessTokenClaims } from '@latchkey/protocol/claims';
import type { ClientId, EpochMilliseconds, EpochSeconds } from '@latchkey/protocol/types';
import { expect, test } from 'vitest';
import type { Client } from '../clients/client.ts';
import { allow } from '../decision.ts';
import type { Reader } from '../ports/reader.ts';
import type { Write } from '../write.ts';
import { onAuthorityOf } from './authority.ts';

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
const authority = { account: undefined, client, session: undefined, family: undefined, events: [] };

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
