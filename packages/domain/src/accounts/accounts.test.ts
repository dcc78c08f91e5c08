import { LIMITS } from '@latchkey/protocol/limits';
import type {
  AccountId,
  ClientId,
  EpochMilliseconds,
  EpochSeconds,
  FamilyId,
  NormalisedIdentifier,
  SessionId,
} from '@latchkey/protocol/types';
import { expect, test } from 'vitest';
import { ADMIN_SCOPES } from '../administration/scopes.ts';
import type { Session } from '../login/session.ts';
import type { TokenFamily } from '../tokens/family.ts';
import type { Account } from './account.ts';
import { decideCreateAccount } from './create-account.ts';
import { decideDisableAccount, decideEnableAccount } from './disable-account.ts';
import { identifierOf, type ParsedIdentifier } from './identifier.ts';
import type { PasswordCredential } from './password-credential.ts';
import { decideChangePassword, decideSetPassword } from './set-password.ts';

const now = 1_000_000 as EpochMilliseconds;
const moment = { now, position: { epoch: 1, seq: 7 }, catalogue: 1 };
const exp = (1_000 + 3_780) as EpochSeconds;
const administrator = { id: 'cli_admin', scope: [] };
const id = 'acc_1' as AccountId;
const account: Account = {
  id,
  version: 3,
  createdAt: 0 as EpochMilliseconds,
  disabledAt: undefined,
  cutOff: undefined,
};
const session = (sessionId: string): Session => ({
  id: sessionId as SessionId,
  version: 1,
  accountId: id,
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
});
const offline: TokenFamily = {
  id: 'fam_off' as FamilyId,
  accountId: id,
  clientId: 'cli_1' as ClientId,
  sessionId: undefined,
  beganIn: undefined,
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
const credential: PasswordCredential = {
  accountId: id,
  version: 4,
  phc: '$old',
  changedAt: 0 as EpochMilliseconds,
  failures: 0,
  lastFailureAt: undefined,
};
const adminApi = 'https://id.example/admin/api';
const ofAccount = { administrator, id, adminApi };
const roles = [{ accountId: id, resource: 'https://api.example', role: 'admin' }];
const ends = { sessions: [session('ses_1'), session('ses_2')], offline: [offline], pairwise: [] };

const audit = (event: string, actor: string, detail: object = {}) => ({
  kind: 'audit.append',
  entry: { at: now, event, actor, subject: { account: id }, detail },
});
const sessionEnds = (sessionId: string, reason: string, by: string) => [
  { kind: 'session.end', id: sessionId, ended: { reason, by, at: now } },
  { kind: 'revocation.emit', event: { kind: 'session', id: sessionId, exp } },
  { kind: 'outbox.enqueue', message: { topic: 'session_ended', body: { session: sessionId }, at: now } },
  {
    kind: 'audit.append',
    entry: {
      at: now,
      event: 'session.ended',
      actor: by,
      subject: { session: sessionId, account: id },
      detail: { reason },
    },
  },
];
const familyEnds = (reason: string, by: string) => [
  { kind: 'family.end', id: 'fam_off', ended: { reason, by, at: now } },
  { kind: 'revocation.emit', event: { kind: 'family', id: 'fam_off', exp } },
  {
    kind: 'audit.append',
    entry: {
      at: now,
      event: 'family.ended',
      actor: by,
      subject: { family: 'fam_off', account: id, client: 'cli_1' },
      detail: { reason },
    },
  },
];

const name = (text: string): ParsedIdentifier => ({
  kind: 'username',
  normalised: text as NormalisedIdentifier,
  display: text,
});

test('an account begins with its names and its password', () => {
  const command = { administrator, id, identifiers: [name('alice'), name('al')], phc: '$new' };
  const created = { ...account, version: 1, createdAt: now };
  const identifiers = command.identifiers.map((one) => identifierOf(one, id));
  expect(decideCreateAccount([], command, moment)).toEqual({
    outcome: { ok: true, value: { account: created, identifiers } },
    expects: [],
    writes: [
      { kind: 'account.create', account: created, identifiers },
      { kind: 'password.set', id, phc: '$new', at: now },
      audit('account.created', 'cli_admin', { identifiers: 2, password: true }),
    ],
  });
});

const names = (count: number) => Array.from({ length: count }, (_, index) => name(`name${index}`));

test.each([
  ['no name', [], 'identifier_invalid'],
  ['one name twice', [name('alice'), name('alice')], 'identifier_invalid'],
  ['a name too many', names(LIMITS.identifiersPerAccountMax + 1), 'limit_reached'],
  ['as many names as may be', names(LIMITS.identifiersPerAccountMax), undefined],
])('an account with %s: %s', (_, identifiers, error) => {
  const { outcome } = decideCreateAccount([], { administrator, id, identifiers, phc: undefined }, moment);
  expect(outcome.ok ? undefined : outcome.error).toBe(error);
});

test('a name that is taken is not given twice', () => {
  const taken = [identifierOf(name('alice'), 'acc_0' as AccountId)];
  expect(
    decideCreateAccount(taken, { administrator, id, identifiers: [name('alice')], phc: undefined }, moment),
  ).toEqual({ outcome: { ok: false, error: 'identifier_taken' }, expects: [], writes: [] });
});

test('SES-05 ASVS 7.4.2: disabling ends everything by one cut-off of the account', () => {
  const ended = { reason: 'account_disabled', by: 'cli_admin', at: now };
  expect(decideDisableAccount({ account, roles, ends }, ofAccount, moment)).toEqual({
    outcome: { ok: true, value: 'disabled' },
    expects: [],
    writes: [
      { kind: 'account.disable', id, at: now },
      { kind: 'link.end', accountId: id },
      { kind: 'session.end', id: 'ses_1', ended },
      { kind: 'outbox.enqueue', message: { topic: 'session_ended', body: { session: 'ses_1' }, at: now } },
      { kind: 'session.end', id: 'ses_2', ended },
      { kind: 'outbox.enqueue', message: { topic: 'session_ended', body: { session: 'ses_2' }, at: now } },
      { kind: 'family.end_offline', accountId: id, ended },
      { kind: 'revocation.emit', event: { kind: 'subject', id, exp } },
      audit('account.disabled', 'cli_admin'),
    ],
  });
});

test('what is disabled is not disabled again, what is enabled not enabled again, and nothing comes back', () => {
  const disabled = { ...account, disabledAt: now };
  expect(decideDisableAccount({ account: disabled, roles, ends }, ofAccount, moment)).toEqual({
    outcome: { ok: true, value: 'was_disabled' },
    expects: [],
    writes: [],
  });
  expect(decideEnableAccount({ account: disabled, roles }, ofAccount, moment)).toEqual({
    outcome: { ok: true, value: 'enabled' },
    expects: [],
    writes: [{ kind: 'account.enable', id }, audit('account.enabled', 'cli_admin')],
  });
  expect(decideEnableAccount({ account, roles }, ofAccount, moment).writes).toEqual([]);
  expect(decideEnableAccount({ account: undefined, roles }, ofAccount, moment).outcome).toEqual({
    ok: false,
    error: 'not_found',
  });
  expect(decideDisableAccount({ account: undefined, roles, ends }, ofAccount, moment).outcome).toEqual({
    ok: false,
    error: 'not_found',
  });
});

const mailboxes = [
  identifierOf({ kind: 'email', normalised: 'a@example.com' as NormalisedIdentifier, display: 'a@example.com' }, id),
];
/** PWD-14: what the owner hears of a password that was changed. */
const told = (language: string) => ({
  kind: 'outbox.enqueue',
  message: { topic: 'account_notice', body: { notice: 'password_changed', to: 'a@example.com', language }, at: now },
});

test('SES-05: a password that an administrator sets ends every session and offline family, by one event each', () => {
  expect(
    decideSetPassword(
      { account, credential, roles, identifiers: mailboxes, ends },
      { ...ofAccount, phc: '$new', language: 'fr' },
      moment,
    ),
  ).toEqual({
    outcome: { ok: true, value: undefined },
    expects: [],
    writes: [
      { kind: 'password.set', id, phc: '$new', at: now },
      { kind: 'link.end', accountId: id },
      ...sessionEnds('ses_1', 'password_changed', 'cli_admin'),
      ...sessionEnds('ses_2', 'password_changed', 'cli_admin'),
      ...familyEnds('password_changed', 'cli_admin'),
      audit('password.set', 'cli_admin'),
      told('fr'),
    ],
  });
});

const match = { result: 'match', accountId: id, version: 4 } as const;
const change = { id, proof: match, phc: '$new', sessionId: 'ses_1' as SessionId, language: 'de' };

test('SES-05, PWD-15 ASVS 7.4.3: its owner changes it: the session that asks goes on, the rest ends', () => {
  expect(decideChangePassword({ account, credential, roles, identifiers: mailboxes, ends }, change, moment)).toEqual({
    outcome: { ok: true, value: undefined },
    expects: [
      { table: 'account', id, version: 3 },
      { table: 'password', id, version: 4 },
    ],
    writes: [
      { kind: 'password.set', id, phc: '$new', at: now },
      { kind: 'link.end', accountId: id },
      ...sessionEnds('ses_2', 'password_changed', id),
      ...familyEnds('password_changed', id),
      audit('password.changed', id),
      told('de'),
    ],
  });
});

const mismatch = { ...match, result: 'mismatch' } as const;
const failing = (failures: number): PasswordCredential => ({ ...credential, failures, lastFailureAt: now });

test.each([
  [
    'a wrong present password',
    {},
    { proof: mismatch },
    'password_current_wrong',
    [{ kind: 'password.fail', id, at: now }],
  ],
  ['a proof of an older row', { credential: { ...credential, version: 5 } }, {}, 'password_changed_meanwhile', []],
  ['a disabled account', { account: { ...account, disabledAt: now } }, {}, 'account_disabled', []],
  ['five failures', { credential: failing(5) }, {}, 'account_throttled', []],
  ['a hundred failures', { credential: failing(100) }, {}, 'password_locked', []],
  ['no account', { account: undefined }, {}, 'account_unknown', []],
] as const)('PWD-15: %s changes no password', (_, facts, command, error, writes) => {
  expect(
    decideChangePassword(
      { account, credential, roles, identifiers: mailboxes, ends, ...facts },
      { ...change, ...command },
      moment,
    ),
  ).toEqual({
    outcome: { ok: false, error },
    expects: [],
    writes,
  });
});

test.each([
  ['another admin', ADMIN_SCOPES, undefined],
  ['one who may all but read the log', ADMIN_SCOPES.filter((scope) => scope !== 'audit:read'), 'account_outranks'],
  ['one who may write accounts only', ['accounts:write'], 'account_outranks'],
])('attack 8.31: of an admin nobody sets the password or the state who may do less: %s', (_, scope, error) => {
  const outranking = {
    account,
    credential,
    identifiers: [],
    ends,
    roles: [{ accountId: id, resource: adminApi, role: 'admin' }],
  };
  const command = { administrator: { id: 'acc_2', scope }, id, adminApi, language: undefined };
  for (const decided of [
    decideSetPassword(outranking, { ...command, phc: '$new' }, moment),
    decideDisableAccount(outranking, command, moment),
    decideEnableAccount({ ...outranking, account: { ...account, disabledAt: now } }, command, moment),
  ]) {
    expect(decided.outcome.ok ? undefined : decided.outcome.error).toBe(error);
    expect(decided.writes.length > 0).toBe(error === undefined);
  }
});

test('no password is set for an account that is not there', () => {
  const none = {
    account: undefined,
    credential: undefined,
    roles: [],
    identifiers: [],
    ends: { sessions: [], offline: [], pairwise: [] },
  };
  expect(decideSetPassword(none, { ...ofAccount, phc: '$new', language: undefined }, moment)).toEqual({
    outcome: { ok: false, error: 'not_found' },
    expects: [],
    writes: [],
  });
});
