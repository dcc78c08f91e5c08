import type {
  AccountId,
  ClientId,
  EpochMilliseconds,
  EpochSeconds,
  FamilyId,
  SessionId,
  TokenId,
} from '@latchkey/protocol/types';
import * as row from '@latchkey/testkit/conformance/rows';
import { expect, test } from 'vitest';
import type { Session } from '../login/session.ts';
import type { TokenFamily } from '../tokens/family.ts';
import type { TokenRecord } from '../tokens/token-record.ts';
import { decideEndSession } from './end-session.ts';
import { decideRevokeFamily, decideRevokeToken } from './revoke-token.ts';

const now = 1_000_000 as EpochMilliseconds;
const moment = { now, position: { epoch: 1, seq: 7 }, catalogue: 1 };
const exp = (1_000 + 3_780) as EpochSeconds;
/** Of most tokens there is no row. */
const unkept = { record: undefined };
const administrator = { id: 'cli_admin', scope: [] };
const ended = { at: now, reason: 'ended_by_administrator', by: 'cli_admin' } as const;

const session: Session = {
  id: 'ses_1' as SessionId,
  version: 1,
  accountId: 'acc_1' as AccountId,
  createdAt: 0 as EpochMilliseconds,
  expiresAt: 2_000_000 as EpochMilliseconds,
  authTime: 0 as EpochSeconds,
  amr: ['pwd'],
  acr: undefined,
  address: undefined,
  userAgent: undefined,
  pos: { epoch: 1, seq: 0 },
  ended: undefined,
  cookie: undefined,
};

test('an administrator ends a session: row, event and audit in one', () => {
  expect(decideEndSession({ session, pairwise: [] }, { administrator, id: session.id }, moment)).toEqual({
    outcome: { ok: true, value: 'ended' },
    expects: [],
    writes: [
      { kind: 'session.end', id: 'ses_1', ended },
      { kind: 'revocation.emit', event: { kind: 'session', id: 'ses_1', exp } },
      { kind: 'outbox.enqueue', message: { topic: 'session_ended', body: { session: 'ses_1' }, at: now } },
      {
        kind: 'audit.append',
        entry: {
          at: now,
          event: 'session.ended',
          actor: 'cli_admin',
          subject: { session: 'ses_1', account: 'acc_1' },
          detail: { reason: 'ended_by_administrator' },
        },
      },
      { kind: 'link.end', accountId: 'acc_1' },
    ],
  });
});

test.each([
  [999_999, 'was_over'],
  [1_000_000, 'was_over'],
  [1_000_001, 'ended'],
] as const)('a session that expires at %d is %s at 1000000', (expiresAt, outcome) => {
  const decided = decideEndSession(
    { session: { ...session, expiresAt: expiresAt as EpochMilliseconds }, pairwise: [] },
    { administrator, id: session.id },
    moment,
  );
  expect([decided.outcome, decided.writes.length]).toEqual([{ ok: true, value: outcome }, outcome === 'ended' ? 5 : 0]);
});

test('a session that has ended makes no event, one that is not there is unknown', () => {
  const over = { ...session, ended: { ...ended, at: 5 as EpochMilliseconds } };
  expect(decideEndSession({ session: over, pairwise: [] }, { administrator, id: session.id }, moment)).toEqual({
    outcome: { ok: true, value: 'was_over' },
    expects: [],
    writes: [],
  });
  expect(
    decideEndSession({ session: undefined, pairwise: [] }, { administrator, id: session.id }, moment).outcome,
  ).toEqual({
    ok: false,
    error: 'session_unknown',
  });
});

const family: TokenFamily = {
  id: 'fam_1' as FamilyId,
  accountId: 'acc_1' as AccountId,
  clientId: 'cli_1' as ClientId,
  sessionId: session.id,
  beganIn: session.id,
  pairwise: undefined,
  scope: [],
  resources: [],
  idTokenClaims: [],
  delivery: 'body',
  cnf: undefined,
  authenticated: undefined,
  createdAt: 0 as EpochMilliseconds,
  expiresAt: 2_000_000 as EpochMilliseconds,
  pos: { epoch: 1, seq: 0 },
  ended: undefined,
  refresh: undefined,
};
const account = {
  id: family.accountId,
  version: 1,
  createdAt: 0 as EpochMilliseconds,
  disabledAt: undefined,
  cutOff: undefined,
};
const client = {
  id: family.clientId,
  version: 1,
  name: 'Shop',
  createdAt: 0 as EpochMilliseconds,
  deletedAt: undefined,
  authentication: 'none',
  firstParty: true,
  grantTypes: ['refresh_token'],
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
} as const;
const facts = { family, account, client, session };

test('an administrator ends a family: row, event and audit in one', () => {
  expect(decideRevokeFamily(facts, { administrator, id: family.id }, moment)).toEqual({
    outcome: { ok: true, value: 'ended' },
    expects: [],
    writes: [
      { kind: 'family.end', id: 'fam_1', ended },
      { kind: 'revocation.emit', event: { kind: 'family', id: 'fam_1', exp } },
      {
        kind: 'audit.append',
        entry: {
          at: now,
          event: 'family.ended',
          actor: 'cli_admin',
          subject: { family: 'fam_1', account: 'acc_1', client: 'cli_1' },
          detail: { reason: 'ended_by_administrator' },
        },
      },
    ],
  });
});

test.each([
  ['itself', { family: { ...family, ended } }],
  ['its session', { session: { ...session, ended } }],
  ['its account', { account: { ...account, disabledAt: now } }],
  ['its client', { client: { ...client, deletedAt: now } }],
  ['its time', { family: { ...family, expiresAt: now } }],
])('a family that has ended by %s makes no event', (_, more) => {
  expect(decideRevokeFamily({ ...facts, ...more }, { administrator, id: family.id }, moment)).toEqual({
    outcome: { ok: true, value: 'was_over' },
    expects: [],
    writes: [],
  });
});

test('a family that is not there is not found', () => {
  expect(decideRevokeFamily({ ...facts, family: undefined }, { administrator, id: family.id }, moment).outcome).toEqual(
    {
      ok: false,
      error: 'not_found',
    },
  );
});

const jti = 'tok_1' as TokenId;
const byId = { administrator, id: jti, claims: undefined };

test('a token is ended by its id for as long as any token may live', () => {
  expect(decideRevokeToken({ ...unkept, events: [], access: undefined }, byId, moment)).toEqual({
    outcome: { ok: true, value: 'ended' },
    expects: [],
    writes: [
      { kind: 'revocation.emit', event: { kind: 'token', id: jti, exp } },
      {
        kind: 'audit.append',
        entry: { at: now, event: 'token.revoked', actor: 'cli_admin', subject: { token: jti }, detail: {} },
      },
    ],
  });
});

test('a token that an event names already, or whose family has ended, makes no further event', () => {
  const event = { epoch: 1, seq: 3, kind: 'token', id: jti, exp } as const;
  const none = { outcome: { ok: true, value: 'was_over' }, expects: [], writes: [] };
  expect(decideRevokeToken({ ...unkept, events: [event], access: undefined }, byId, moment)).toEqual(none);
  const claims = {
    iss: 'https://id.example',
    sub: account.id,
    aud: 'https://api.example',
    client_id: client.id,
    jti,
    iat: 900 as EpochSeconds,
    exp: 1_200 as EpochSeconds,
    pos: '1:0',
    fid: family.id,
  };
  const access = {
    account,
    client,
    session,
    family: { ...family, ended },
    apiKey: undefined,
    owner: undefined,
    events: [],
  };
  expect(decideRevokeToken({ ...unkept, events: [], access }, { ...byId, claims }, moment)).toEqual(none);
  const live = { ...access, family };
  expect(decideRevokeToken({ ...unkept, events: [], access: live }, { ...byId, claims }, moment).writes).toHaveLength(
    2,
  );
});

test('REV-07: of a token that left a row the id is enough to know whether it is over; the row goes with it', () => {
  const kept = row.tokenRecord(1);
  const asked = { administrator, id: kept.jti, claims: undefined };
  const access = {
    account: row.account(1),
    client: row.client(1),
    session: undefined,
    family: undefined,
    apiKey: undefined,
    owner: undefined,
    events: [],
  };
  const decide = (record: TokenRecord, more: object = {}) =>
    decideRevokeToken({ events: [], access: { ...access, ...more }, record }, asked, moment);
  const event = { kind: 'revocation.emit', event: { kind: 'token', id: kept.jti, exp } };
  const audited = {
    kind: 'audit.append',
    entry: {
      at: now,
      event: 'token.revoked',
      actor: 'cli_admin',
      subject: { token: kept.jti, handle: 'handle-1' },
      detail: {},
    },
  };
  expect(decide(kept).writes).toEqual([event, { kind: 'token.forget', jti: kept.jti }, audited]);
  expect(decide({ ...kept, status: { list: 1, index: 2 } }).writes).toEqual([event, audited]);
  expect(decide(kept, { client: undefined })).toEqual({
    outcome: { ok: true, value: 'was_over' },
    expects: [],
    writes: [],
  });
});
