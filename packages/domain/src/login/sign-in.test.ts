import { LIMITS } from '@latchkey/protocol/limits';
import { type Sha256, seconds } from '@latchkey/protocol/types';
import { NOW } from '@latchkey/testkit/conformance/conformance-case';
import * as row from '@latchkey/testkit/conformance/rows';
import { describe, expect, test } from 'vitest';
import { isSignedIn } from '../authorization/advance.ts';
import type { Session } from './session.ts';
import { decideSignIn, type SignInCommand, type SignInFacts } from './sign-in.ts';

const now = NOW;
const position = { epoch: 5, seq: 12 };
const moment = { now, position, catalogue: 3 };

const account = { ...row.account(1), version: 3 };
const credential = {
  accountId: account.id,
  version: 4,
  phc: '$old',
  changedAt: row.after(-9),
  failures: 0,
  lastFailureAt: undefined,
};
const attempt = row.attempt(1);
const { clientId } = attempt.request;
const match = { result: 'match', accountId: account.id, version: 4 } as const;
const mismatch = { ...match, result: 'mismatch' } as const;
const command: SignInCommand = {
  attemptId: attempt.id,
  browser: attempt.browser,
  cookie: row.cookie(1).hash,
  proof: match,
  sessionId: row.idOf('ses', 9),
  newCookie: row.cookie(9).hash,
  idleSeconds: 60,
  absoluteSeconds: 600,
  address: '192.0.2.1',
  userAgent: 'Firefox',
  acrLevels: [
    { value: 'one', amr: ['pwd'], withinSeconds: 60 },
    { value: 'two', amr: ['pwd', 'otp'] },
  ],
};
const facts: SignInFacts = {
  attempt,
  account,
  credential,
  session: undefined,
  begun: undefined,
  liveSessions: [],
  pairwise: [],
};
/** Another session of the same person, in this browser. */
const mine = row.session(1, {
  version: 5,
  cookie: row.cookie(1),
  authTime: seconds(row.after(-60_000)),
  acr: undefined,
});
/** A session of somebody else, in this browser. */
const theirs = row.session(2, { accountId: row.idOf('acc', 2), cookie: row.cookie(1) });

const decide = (someFacts: Partial<SignInFacts> = {}, someCommand: Partial<SignInCommand> = {}) =>
  decideSignIn({ ...facts, ...someFacts }, { ...command, ...someCommand }, moment);

const cookie = { hash: command.newCookie, idleSeconds: 60, seenAt: now };
const started: Session = {
  id: command.sessionId,
  version: 1,
  accountId: account.id,
  createdAt: now,
  expiresAt: row.after(600_000),
  authTime: seconds(now),
  amr: ['pwd'],
  acr: 'one',
  address: '192.0.2.1',
  userAgent: 'Firefox',
  pos: position,
  ended: undefined,
  cookie,
};
const expects = [
  { table: 'account', id: account.id, version: 3 },
  { table: 'password', id: account.id, version: 4 },
];
const start = { kind: 'session.start', session: started };
const again = {
  kind: 'session.authenticate',
  id: mine.id,
  from: 5,
  authTime: seconds(now),
  amr: ['pwd'],
  acr: 'one',
  cookie,
};
/** The login goes on, and the log says who signed in. */
const goesOn = (sessionId: string, detail: object = { address: '192.0.2.1' }) => [
  {
    kind: 'attempt.store',
    attempt: { ...attempt, version: 2, progress: { stage: 'authenticated', sessionId } },
  },
  {
    kind: 'audit.append',
    entry: {
      at: now,
      event: 'session.authenticated',
      actor: account.id,
      subject: { account: account.id, client: clientId, session: sessionId },
      detail,
    },
  },
];
const ends = ({ id, accountId }: Pick<Session, 'id' | 'accountId'>, reason: string, by: string) => [
  { kind: 'session.end', id, ended: { reason, by, at: now } },
  { kind: 'revocation.emit', event: { kind: 'session', id, exp: Math.floor(now / 1000) + 3_780 } },
  { kind: 'outbox.enqueue', message: { topic: 'session_ended', body: { session: id }, at: now } },
  {
    kind: 'audit.append',
    entry: {
      at: now,
      event: 'session.ended',
      actor: by,
      subject: { session: id, account: accountId },
      detail: { reason },
    },
  },
];
const allowed = (value: string, ...writes: readonly object[]) => ({ outcome: { ok: true, value }, expects, writes });
const refused = (error: string, writes: readonly object[] = []) => ({
  outcome: { ok: false, error },
  expects: [],
  writes,
});

describe('the session of a sign-in', () => {
  test('SES-02: a sign-in begins a session under a cookie that nobody has seen before', () => {
    expect(decide()).toEqual(allowed(started.id, start, ...goesOn(started.id)));
    expect(isSignedIn({ session: started, account }, { now })).toBe(true);
  });

  test('SES-02: whoever proves it again stays in the session, under another cookie and with the new time', () => {
    expect(decide({ session: mine, liveSessions: [{ ...mine, lastSeenAt: now }] })).toEqual(
      allowed(mine.id, again, ...goesOn(mine.id)),
    );
  });

  test('SES-02: whoever signs in where somebody else was ends that session, and begins their own', () => {
    expect(decide({ session: theirs })).toEqual(
      allowed(started.id, ...ends(theirs, 'other_account_signed_in', account.id), start, ...goesOn(started.id)),
    );
  });

  test('OIDC-03: what it ends of families with a pairwise subject ends one by one, and no other', () => {
    const pairwise = [theirs, mine].map(({ id, accountId }, n) =>
      row.family(n + 1, { accountId, sessionId: id, pairwise: { subject: 'one', sid: row.idOf('fam', 1) } }),
    );
    const familiesIn = (decided: ReturnType<typeof decide>) =>
      decided.writes.flatMap((write) => (write.kind === 'family.end' ? [write.id] : []));
    expect(familiesIn(decide({ session: theirs, pairwise }))).toEqual([row.idOf('fam', 1)]);
    expect(familiesIn(decide({ session: mine, pairwise }))).toEqual([]);
    const live = Array.from({ length: LIMITS.sessionsPerAccountMax }, (_, n) => ({
      ...row.session(n === 0 ? 1 : n + 10),
      lastSeenAt: now,
    }));
    expect(familiesIn(decide({ liveSessions: live, pairwise }))).toEqual([row.idOf('fam', 2)]);
  });

  test.each([
    [1, true],
    [0, false],
    [-1, false],
  ])('a session with %d ms left is one to stay in, or to end: %s', (left, isLive) => {
    const expiresAt = row.after(left);
    const [own, other] = [decide({ session: { ...mine, expiresAt } }), decide({ session: { ...theirs, expiresAt } })];
    const fresh = allowed(started.id, start, ...goesOn(started.id));
    expect(own).toEqual(isLive ? allowed(mine.id, again, ...goesOn(mine.id)) : fresh);
    expect(other.writes.some(({ kind }) => kind === 'session.end')).toBe(isLive);
  });

  test('a form that is sent twice, or again when no answer came, leaves one session', () => {
    expect(decide({ begun: mine })).toEqual(allowed(mine.id, again, ...goesOn(mine.id)));
    expect(decide({ session: mine, begun: mine })).toEqual(allowed(mine.id, again, ...goesOn(mine.id)));
  });

  test('somebody else in the same form ends the session that it has begun', () => {
    const over = ends(theirs, 'other_account_signed_in', account.id);
    expect(decide({ begun: theirs })).toEqual(allowed(started.id, ...over, start, ...goesOn(started.id)));
    expect(decide({ session: mine, begun: theirs })).toEqual(allowed(mine.id, ...over, again, ...goesOn(mine.id)));
  });

  test('a session that has ended is not entered again', () => {
    const ended = { at: row.after(-1), reason: 'logout', by: account.id } as const;
    for (const session of [mine, theirs])
      expect(decide({ begun: { ...session, ended } })).toEqual(allowed(started.id, start, ...goesOn(started.id)));
    for (const session of [mine, theirs])
      expect(decide({ session: { ...session, ended } })).toEqual(allowed(started.id, start, ...goesOn(started.id)));
  });

  test.each([
    [LIMITS.sessionsPerAccountMax - 1, 0],
    [LIMITS.sessionsPerAccountMax, 1],
    [LIMITS.sessionsPerAccountMax + 1, 2],
  ])('beside %d live sessions a new one ends the %d oldest', (count, over) => {
    const live = Array.from({ length: count }, (_, n) => ({ ...row.session(n + 10), lastSeenAt: now }));
    const oldest = live.slice(0, over).flatMap((session) => ends(session, 'too_many_sessions', 'server'));
    expect(decide({ liveSessions: live }).writes).toEqual([...oldest, start, ...goesOn(started.id)]);
    expect(decide({ liveSessions: live, session: mine }).writes).toEqual([again, ...goesOn(mine.id)]);
  });

  test('PWD-07: an outdated hash is replaced, and the count of guesses starts anew', () => {
    const guessed = { credential: { ...credential, failures: 2, lastFailureAt: row.after(-1) } };
    expect(decide(guessed, { proof: { ...match, rehashed: '$new' } })).toEqual(
      allowed(
        started.id,
        { kind: 'password.succeed', id: account.id },
        { kind: 'password.rehash', id: account.id, version: 4, phc: '$new' },
        start,
        ...goesOn(started.id),
      ),
    );
  });

  test('a sign-in from nobody knows where says so of itself', () => {
    const session = { ...started, address: undefined, userAgent: undefined };
    expect(decide({}, { address: undefined, userAgent: undefined })).toEqual(
      allowed(started.id, { kind: 'session.start', session }, ...goesOn(started.id, {})),
    );
  });
});

describe('a sign-in that is none', () => {
  test('AUT-08: of a login that another browser began, or that is not there: not even the password is looked at', () => {
    const unknown = refused('authorization_request_unknown');
    const other = { browser: 'another' as Sha256 };
    expect([decide({}, other), decide({}, { ...other, proof: mismatch })]).toEqual([unknown, unknown]);
    expect(decide({ attempt: undefined })).toEqual(unknown);
  });

  test.each([
    [1, true],
    [0, false],
    [-1, false],
  ])('of a login that expires in %d ms: allowed: %s', (left, isAllowed) => {
    const decided = decide({ attempt: { ...attempt, expiresAt: row.after(left) } });
    if (isAllowed) expect(decided.outcome).toEqual({ ok: true, value: started.id });
    else expect(decided).toEqual(refused('authorization_request_unknown'));
  });

  const counted = [
    { kind: 'password.fail', id: account.id, at: now },
    {
      kind: 'audit.append',
      entry: {
        at: now,
        event: 'login.failed',
        actor: clientId,
        subject: { account: account.id, client: clientId },
        detail: {},
      },
    },
  ];
  const noCredential = { result: 'no_credential', accountId: undefined } as const;
  const known = { isFromKnownDevice: true } as const;
  const failing = (failures: number) => ({ credential: { ...credential, failures, lastFailureAt: now } });

  test.each<[string, Partial<SignInFacts>, SignInCommand['proof'], string, readonly object[]]>([
    ['a wrong password', {}, mismatch, 'credentials_invalid', counted],
    ['four failures and a wrong password', failing(4), mismatch, 'credentials_invalid', counted],
    ['five failures', failing(5), match, 'account_throttled', []],
    ['a hundred failures', failing(100), match, 'password_locked', []],
    ['a disabled account', { account: { ...account, disabledAt: now } }, match, 'account_disabled', counted],
    ['no such account', { account: undefined, credential: undefined }, noCredential, 'account_unknown', []],
    ['no password', { credential: undefined }, match, 'account_without_password', []],
    ['a password set since the proof', {}, noCredential, 'account_without_password', []],
    ['a proof of an older row', {}, { ...match, version: 3 }, 'password_changed_meanwhile', []],
    ['a wrong one on a known device', failing(100), { ...mismatch, ...known }, 'credentials_invalid', counted],
  ])('PWD-09, PWD-16: %s: whoever was signed in stays so', (_, someFacts, proof, error, writes) => {
    for (const session of [undefined, mine, theirs])
      expect(decide({ session, ...someFacts }, { proof })).toEqual(refused(error, writes));
  });

  test.each([
    [1, true],
    [4, true],
    [5, false],
    [100, false],
  ])('PWD-10: on a known device %d failures shut nobody out; the count starts anew: %s', (failures, isReset) => {
    const { outcome, writes } = decide(failing(failures), { proof: { ...match, ...known } });
    expect([outcome.ok, writes.some(({ kind }) => kind === 'password.succeed')]).toEqual([true, isReset]);
  });
});
