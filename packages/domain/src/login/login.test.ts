import { LIMITS } from '@latchkey/protocol/limits';
import type {
  AccountId,
  ClientId,
  EpochMilliseconds,
  EpochSeconds,
  FamilyId,
  ResourceId,
  ResourceIdentifier,
  Sealed,
  SessionId,
} from '@latchkey/protocol/types';
import { expect, test } from 'vitest';
import type { Account } from '../accounts/account.ts';
import type { PasswordCredential } from '../accounts/password-credential.ts';
import type { Client } from '../clients/client.ts';
import { PLAIN_RESOURCE, type Resource } from '../clients/resource.ts';
import type { RefreshState, TokenFamily } from '../tokens/family.ts';
import { decideEndAllSessions, decideEndOtherSessions, decideEndOwnSession } from './end-sessions.ts';
import { decideLogIn, type LogInCommand, type LogInFacts } from './log-in.ts';
import { decideLogout } from './logout.ts';
import type { Session, SessionSummary } from './session.ts';

const at = (milliseconds: number) => milliseconds as EpochMilliseconds;
const now = at(1_000_000);
const position = { epoch: 1, seq: 7 };
const moment = { now, position, catalogue: 1 };
const exp = (1_000 + 3_780) as EpochSeconds;
const id = 'acc_1' as AccountId;
const clientId = 'cli_1' as ClientId;
const API = 'https://api.example' as ResourceIdentifier;
const ISSUER = 'https://id.example' as ResourceIdentifier;

const account: Account = { id, version: 3, createdAt: at(0), disabledAt: undefined, cutOff: undefined };
const credential: PasswordCredential = {
  accountId: id,
  version: 4,
  phc: '$old',
  changedAt: at(0),
  failures: 0,
  lastFailureAt: undefined,
};
const client: Client = {
  id: clientId,
  version: 2,
  name: 'Shop',
  createdAt: at(0),
  deletedAt: undefined,
  authentication: 'none',
  firstParty: true,
  grantTypes: ['refresh_token'],
  scope: ['read', 'write', 'pay'],
  resources: [API],
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
const resource: Resource = {
  id: 'res_1' as ResourceId,
  version: 1,
  identifier: API,
  audience: API,
  name: 'API',
  createdAt: at(0),
  scope: ['read', 'write', 'delete'],
  algorithm: 'ES256',
  tokenType: 'at+jwt',
  accessTokenSeconds: 300,
  ...PLAIN_RESOURCE,
  builtIn: false,
};
const match = { result: 'match', accountId: id, version: 4 } as const;
const mismatch = { ...match, result: 'mismatch' } as const;
const command: LogInCommand = {
  clientId,
  proof: match,
  sessionId: 'ses_new' as SessionId,
  familyId: 'fam_new' as FamilyId,
  seed: new Uint8Array([1]) as Sealed,
  macKeyId: 9,
  delivery: 'body',
  scope: undefined,
  resource: undefined,
  issuer: ISSUER,
  adminApi: 'https://id.example/admin/api',
  hookClaims: undefined,
  idleSeconds: 60,
  absoluteSeconds: 600,
  address: '192.0.2.1',
  userAgent: 'Firefox',
  amr: ['pwd'],
  acrLevels: [{ value: 'one', amr: ['pwd'] }],
};
const start = {
  resource,
  roles: [{ accountId: id, resource: API, role: 'editor' }],
  metadata: undefined,
  liveSessions: [],
  pairwise: [],
};
const facts: LogInFacts = { account, credential, client, start };

const session: Session = {
  id: command.sessionId,
  version: 1,
  accountId: id,
  createdAt: now,
  expiresAt: at(1_600_000),
  authTime: 1_000 as EpochSeconds,
  amr: ['pwd'],
  acr: 'one',
  address: '192.0.2.1',
  userAgent: 'Firefox',
  pos: position,
  ended: undefined,
  cookie: undefined,
};
const refresh: RefreshState = {
  generation: 0,
  rotatedAt: now,
  lastUsedAt: now,
  idleSeconds: 60,
  overlapMilliseconds: 0,
  attemptHash: undefined,
  overlapUses: 0,
  overlapStreak: 0,
  macKeyId: 9,
  seed: command.seed,
};
const family: TokenFamily = {
  id: command.familyId,
  accountId: id,
  clientId,
  sessionId: session.id,
  beganIn: session.id,
  pairwise: undefined,
  scope: ['read', 'write'],
  resources: [API, ISSUER],
  idTokenClaims: [],
  delivery: 'body',
  cnf: undefined,
  authenticated: { authTime: session.authTime, amr: ['pwd'], acr: 'one' },
  createdAt: now,
  expiresAt: at(1_600_000),
  pos: position,
  ended: undefined,
  refresh,
};
const sessionEnds = (sessionId: string, reason: string, by: string) => [
  { kind: 'session.end', id: sessionId, ended: { reason, by, at: now } },
  { kind: 'revocation.emit', event: { kind: 'session', id: sessionId, exp } },
  { kind: 'outbox.enqueue', message: { topic: 'session_ended', body: { session: sessionId }, at: now } },
  {
    kind: 'audit.append',
    entry: {
      at: now,
      event: reason === 'logout' ? 'logout' : 'session.ended',
      actor: by,
      subject: { session: sessionId, account: id },
      detail: { reason },
    },
  },
];

test('PWD-07, SES-02: a login: session, family and audit, on the rows that were proved; an outdated hash is replaced', () => {
  const proof = { ...match, rehashed: '$new' };
  const guessed = { ...credential, failures: 2, lastFailureAt: at(900_000) };
  expect(decideLogIn({ ...facts, credential: guessed }, { ...command, proof }, moment)).toEqual({
    outcome: {
      ok: true,
      value: {
        access: {
          subject: id,
          clientId,
          resource,
          scope: ['read', 'write'],
          roles: ['editor'],
          permissions: [],
          tenant: undefined,
          custom: {},
          issuedAt: now,
          pos: position,
          cnf: undefined,
          person: {
            familyId: family.id,
            familyExpiresAt: family.expiresAt,
            sessionId: session.id,
            authTime: 1_000,
            amr: ['pwd'],
            acr: 'one',
          },
        },
        refresh: {
          familyId: family.id,
          generation: 0,
          macKeyId: 9,
          seed: command.seed,
          familyExpiresAt: 1_600_000,
          idleExpiresAt: 1_060_000,
        },
      },
    },
    expects: [
      { table: 'account', id, version: 3 },
      { table: 'password', id, version: 4 },
      { table: 'client', id: clientId, version: 2 },
    ],
    writes: [
      { kind: 'password.succeed', id },
      { kind: 'password.rehash', id, version: 4, phc: '$new' },
      { kind: 'session.start', session },
      { kind: 'family.start', family },
      {
        kind: 'audit.append',
        entry: {
          at: now,
          event: 'login.succeeded',
          actor: id,
          subject: { account: id, client: clientId, session: session.id, family: family.id },
          detail: { delivery: 'body', address: '192.0.2.1' },
        },
      },
    ],
  });
});

test('a login from nobody knows where says so of itself', () => {
  const { writes } = decideLogIn(facts, { ...command, address: undefined }, moment);
  expect(writes.at(-1)).toMatchObject({ entry: { event: 'login.succeeded', detail: { delivery: 'body' } } });
  expect(writes.at(-1)).not.toHaveProperty('entry.detail.address');
});

const counted = [
  { kind: 'password.fail', id, at: now },
  {
    kind: 'audit.append',
    entry: { at: now, event: 'login.failed', actor: clientId, subject: { account: id, client: clientId }, detail: {} },
  },
];
const failing = (failures: number) => ({ credential: { ...credential, failures, lastFailureAt: now } });
const noCredential = { result: 'no_credential', accountId: id } as const;

test.each([
  ['a wrong password', {}, { proof: mismatch }, 'credentials_invalid', counted],
  ['a disabled account', { account: { ...account, disabledAt: now } }, {}, 'account_disabled', counted],
  ['no such account', { account: undefined, start: undefined }, { proof: noCredential }, 'account_unknown', []],
  ['no password', { credential: undefined }, { proof: noCredential }, 'account_without_password', []],
  ['a password set since the proof', {}, { proof: noCredential }, 'account_without_password', []],
  ['a proof of an older row', {}, { proof: { ...match, version: 3 } }, 'password_changed_meanwhile', []],
  ['four failures and a wrong password', failing(4), { proof: mismatch }, 'credentials_invalid', counted],
  ['five failures', failing(5), {}, 'account_throttled', []],
  ['five failures and a wrong password', failing(5), { proof: mismatch }, 'account_throttled', []],
  ['a hundred failures', failing(100), {}, 'password_locked', []],
  ['no client', { client: undefined }, {}, 'client_unknown', []],
  ['a deleted client', { client: { ...client, deletedAt: now } }, {}, 'client_deleted', []],
  ['a third-party client', { client: { ...client, firstParty: false } }, {}, 'client_not_first_party', []],
  [
    'a confidential client',
    { client: { ...client, authentication: 'client_secret_basic' } },
    {},
    'client_authentication_missing',
    [],
  ],
  ['no such resource', { start: { ...start, resource: undefined } }, {}, 'resource_unknown', []],
  ['a resource that is not the client’s', { client: { ...client, resources: [] } }, {}, 'resource_unknown', []],
  ['a scope that is none', {}, { scope: 'a"b' }, 'scope_malformed', []],
  ['a scope that the resource lacks', {}, { scope: 'read pay' }, 'scope_not_allowed', []],
  ['a scope that the client lacks', {}, { scope: 'read delete' }, 'scope_not_allowed', []],
] as const)('PWD-09, PWD-16: %s: no session', (_, someFacts, someCommand, error, writes) => {
  expect(decideLogIn({ ...facts, ...someFacts }, { ...command, ...someCommand }, moment)).toEqual({
    outcome: { ok: false, error },
    expects: [],
    writes,
  });
});

const live = (count: number): readonly SessionSummary[] =>
  Array.from({ length: count }, (_, index) => ({
    ...session,
    id: `ses_${index}` as SessionId,
    lastSeenAt: now,
  }));

test.each([
  [LIMITS.sessionsPerAccountMax - 1, []],
  [LIMITS.sessionsPerAccountMax, ['ses_0']],
  [LIMITS.sessionsPerAccountMax + 1, ['ses_0', 'ses_1']],
])('beside %d live sessions a new one ends %j, by one event each', (count, ended) => {
  const decided = decideLogIn({ ...facts, start: { ...start, liveSessions: live(count) } }, command, moment);
  expect(decided.writes.slice(0, -3)).toEqual(
    ended.flatMap((sessionId) => sessionEnds(sessionId, 'too_many_sessions', 'server')),
  );
});

test('a client without refresh tokens gets a family without one', () => {
  const decided = decideLogIn({ ...facts, client: { ...client, grantTypes: [] } }, command, moment);
  expect(decided.writes).toContainEqual({ kind: 'family.start', family: { ...family, refresh: undefined } });
  expect(decided.outcome).toMatchObject({ ok: true, value: { refresh: undefined } });
});

const logoutFacts = { family, seedMatches: true, account, client, session, pairwise: [] };
const byBody = { familyId: family.id, delivery: 'body' } as const;
const nothing = { outcome: { ok: true, value: undefined }, expects: [], writes: [] };

test('SES-03 ASVS 7.4.1: a logout ends the session by one event', () => {
  expect(decideLogout(logoutFacts, byBody, moment)).toEqual({
    ...nothing,
    writes: sessionEnds(session.id, 'logout', id),
  });
});

test('a logout of a family without a session ends the family', () => {
  const offline = { ...family, sessionId: undefined };
  const ended = { reason: 'logout', by: id, at: now };
  expect(decideLogout({ ...logoutFacts, family: offline, session: undefined }, byBody, moment).writes).toEqual([
    { kind: 'family.end', id: family.id, ended },
    { kind: 'revocation.emit', event: { kind: 'family', id: family.id, exp } },
    {
      kind: 'audit.append',
      entry: {
        at: now,
        event: 'family.ended',
        actor: id,
        subject: { family: family.id, account: id, client: clientId },
        detail: { reason: 'logout' },
      },
    },
  ]);
});

test.each([
  ['of no family', { family: undefined }],
  ['with another seed', { seedMatches: false }],
  ['from a cookie family', { family: { ...family, delivery: 'cookie' } }],
  ['of a session that has ended', { session: { ...session, ended: { reason: 'logout', by: id, at: now } } }],
  ['of a session that has expired', { session: { ...session, expiresAt: now } }],
] as const)('a logout with a refresh token %s changes nothing, and says nothing', (_, more) => {
  expect(decideLogout({ ...logoutFacts, ...more }, byBody, moment)).toEqual(nothing);
});

test('a client of others, whose refresh token it is, does not end the session of the person', () => {
  const facts = { ...logoutFacts, client: { ...client, firstParty: false } };
  expect(decideLogout(facts, byBody, moment)).toEqual({
    ...nothing,
    outcome: { ok: false, error: 'client_not_first_party' },
  });
});

test('a logout where the client is no longer there changes nothing', () => {
  expect(decideLogout({ ...logoutFacts, client: undefined }, byBody, moment)).toEqual(nothing);
});

test('SES-06 ASVS 7.5.2: its owner ends a session by one event', () => {
  expect(decideEndOwnSession({ session, pairwise: [] }, id, moment)).toEqual({
    ...nothing,
    writes: [...sessionEnds(session.id, 'ended_by_owner', id), { kind: 'link.end', accountId: id }],
  });
});

test.each([
  ['no session', undefined],
  ["somebody else's session", { ...session, accountId: 'acc_2' as AccountId }],
  ['a session that expires now', { ...session, expiresAt: now }],
])('SES-06: %s is unknown', (_, one) => {
  expect(decideEndOwnSession({ session: one, pairwise: [] }, id, moment)).toEqual({
    outcome: { ok: false, error: 'session_unknown' },
    expects: [],
    writes: [],
  });
});

test('SES-06: all others end, and the session that asks goes on', () => {
  const offline = { ...family, id: 'fam_off' as FamilyId, sessionId: undefined };
  const [kept, other] = live(2);
  const decided = decideEndOtherSessions(
    { sessions: live(2), offline: [offline], pairwise: [] },
    id,
    kept?.id ?? ('' as SessionId),
    moment,
  );
  expect(decided.outcome).toEqual({ ok: true, value: 1 });
  const ends = sessionEnds(other?.id ?? '', 'ended_by_owner', id);
  expect(decided.writes.slice(0, ends.length + 1)).toEqual([
    ...ends,
    { kind: 'family.end', id: 'fam_off', ended: { reason: 'ended_by_owner', by: id, at: now } },
  ]);
});

test('SES-06: all sessions and offline families end, by one event each', () => {
  const offline = { ...family, id: 'fam_off' as FamilyId, sessionId: undefined };
  const decided = decideEndAllSessions({ sessions: live(2), offline: [offline], pairwise: [] }, id, moment);
  expect(decided.outcome).toEqual({ ok: true, value: 2 });
  expect(decided.writes.slice(0, 8)).toEqual([
    ...sessionEnds('ses_0', 'ended_by_owner', id),
    ...sessionEnds('ses_1', 'ended_by_owner', id),
  ]);
  expect(decided.writes.slice(8, 10)).toEqual([
    { kind: 'family.end', id: 'fam_off', ended: { reason: 'ended_by_owner', by: id, at: now } },
    { kind: 'revocation.emit', event: { kind: 'family', id: 'fam_off', exp } },
  ]);
});

test('a login for the admin API gets what the roles there give of it, and none is begun where they give nothing', () => {
  const adminApi = command.adminApi as typeof API;
  const administration = { ...resource, identifier: adminApi, audience: adminApi, scope: ['keys:write', 'explain'] };
  const ours = { ...client, scope: ['keys:write', 'explain'], resources: [adminApi] };
  const decide = (more: Partial<LogInCommand>, ...names: readonly string[]) => {
    const roles = names.map((role) => ({ accountId: id, resource: adminApi, role }));
    const all = { ...facts, client: ours, start: { ...start, resource: administration, roles } };
    return decideLogIn(all, { ...command, resource: adminApi, ...more }, moment);
  };
  const given = decide({}, 'support');
  expect(given.outcome).toMatchObject({ value: { access: { scope: ['explain'], roles: ['support'] } } });
  expect(given.writes).toContainEqual(
    expect.objectContaining({ family: expect.objectContaining({ scope: ['explain'], resources: [adminApi, ISSUER] }) }),
  );
  expect(decide({}, 'operator').outcome).toMatchObject({ value: { access: { scope: ['keys:write', 'explain'] } } });
  for (const refused of [decide({}), decide({}, 'editor'), decide({ scope: 'keys:write' }, 'support')])
    expect(refused).toEqual({ outcome: { ok: false, error: 'scope_exceeds_roles' }, expects: [], writes: [] });
});

test('a login whose token would be larger than its resource allows starts no session', () => {
  const decided = decideLogIn(
    { ...facts, start: { ...start, resource: { ...resource, accessTokenBytes: 1 } } },
    command,
    moment,
  );
  expect([decided.outcome, decided.writes]).toEqual([{ ok: false, error: 'access_token_too_large' }, []]);
});
