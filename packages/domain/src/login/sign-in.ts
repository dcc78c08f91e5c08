import {
  type AccountId,
  type AttemptId,
  type EpochMilliseconds,
  later,
  type SessionId,
  type Sha256,
  seconds,
} from '@latchkey/protocol/types';
import type { PasswordProof } from '../accounts/password-credential.ts';
import { type AcrLevel, acrOf } from '../authorization/assurance.ts';
import { allow, type Decision, refuse } from '../decision.ts';
import type { Moment, Reader } from '../ports/reader.ts';
import type { Authenticated } from '../tokens/family.ts';
import { isSessionLive } from '../tokens/liveness.ts';
import type { Write } from '../write.ts';
import { type LoginAttempt, requesterOf } from './attempt.ts';
import { endSessionWrites } from './end-writes.ts';
import { checkPassword, type PasswordFacts } from './password-check.ts';
import type { Session, SessionCookie, SessionSummary } from './session.ts';
import { endOldest } from './start-session.ts';

/** A password on the sign-in page, looked at beforehand, and what was made for the session that it may begin. */
export interface SignInCommand {
  readonly attemptId: AttemptId;
  readonly browser: Sha256;
  /** Hash of the session cookie that the browser holds now. */
  readonly cookie: Sha256 | undefined;
  readonly proof: PasswordProof;
  readonly sessionId: SessionId;
  readonly newCookie: Sha256;
  readonly idleSeconds: number;
  readonly absoluteSeconds: number;
  readonly address: string | undefined;
  readonly userAgent: string | undefined;
  readonly acrLevels: readonly AcrLevel[];
}

export interface SignInFacts extends PasswordFacts {
  readonly attempt: LoginAttempt | undefined;
  /** The session that the browser is in now. */
  readonly session: Session | undefined;
  /** The session that this very login has begun before: its form was sent twice, or the answer was lost. */
  readonly begun: Session | undefined;
  readonly liveSessions: readonly SessionSummary[];
}

/** Loads what `decideSignIn` looks at. */
export async function loadSignIn(read: Reader, command: SignInCommand, { now }: Moment): Promise<SignInFacts> {
  const { accountId } = command.proof;
  const attempt = await read.attempt(command.attemptId);
  const progress = attempt?.progress;
  return {
    attempt,
    begun: progress?.stage === 'authenticated' ? await read.session(progress.sessionId) : undefined,
    session: command.cookie === undefined ? undefined : await read.sessionByCookie(command.cookie),
    account: accountId === undefined ? undefined : await read.account(accountId),
    credential: accountId === undefined ? undefined : await read.password(accountId),
    liveSessions: accountId === undefined ? [] : await read.liveSessions(accountId, now),
  };
}

/**
 * Decides a sign-in on the page. Whoever was signed in before in this browser under another account is signed out; the
 * same person stays in their session, which from now on answers to another cookie and to the new time. One login leaves
 * one session, however often its form is sent: one whose cookie never came to the browser could not be signed out of.
 *
 * @returns `authorization_request_unknown`, and what `checkPassword` refuses
 * @spec ASVS 7.2.4 (SES-02: a new cookie at each authentication); OIDC Core §3.1.2.1 (`auth_time`)
 */
export function decideSignIn(facts: SignInFacts, command: SignInCommand, moment: Moment): Decision<SessionId> {
  const { attempt } = facts;
  const { now, position } = moment;
  if (attempt?.browser !== command.browser || now >= attempt.expiresAt) return refuse('authorization_request_unknown');
  const checked = checkPassword(facts, command.proof, requesterOf(attempt), moment);
  if (!checked.ok) return refuse(checked.error.error, checked.error.writes);
  const { account, expects, writes } = checked.value;

  const cookie: SessionCookie = { hash: command.newCookie, idleSeconds: command.idleSeconds, seenAt: now };
  const before = sessionsBefore(facts, now);
  const same = before.find(({ accountId }) => accountId === account.id);
  const id = same?.id ?? command.sessionId;
  const next: LoginAttempt = {
    ...attempt,
    version: attempt.version + 1,
    progress: { stage: 'authenticated', sessionId: id },
  };
  const proved = provedNow(command, now);
  const started: readonly Write[] =
    same === undefined
      ? [
          ...endOldest(facts.liveSessions, now),
          { kind: 'session.start', session: sessionOf(account.id, cookie, proved, command, { now, position }) },
        ]
      : [{ kind: 'session.authenticate', id, from: same.version, ...proved, cookie }];
  const replaced = before
    .filter((session) => session !== same)
    .flatMap((session) => endSessionWrites(session, { reason: 'other_account_signed_in', by: account.id, at: now }));
  return allow(
    id,
    [
      ...writes,
      ...replaced,
      ...started,
      { kind: 'attempt.store', attempt: next },
      audited(account.id, id, attempt, command, moment),
    ],
    expects,
  );
}

/** What a password proves, here and now. */
function provedNow({ acrLevels }: SignInCommand, now: EpochMilliseconds): Authenticated {
  const proved = { authTime: seconds(now), amr: ['pwd'] };
  return { ...proved, acr: acrOf(proved, [], acrLevels, now) };
}

/** The live sessions in which this browser is, that of its cookie first. */
function sessionsBefore({ session, begun }: SignInFacts, now: Moment['now']): readonly Session[] {
  const known = session !== undefined && isSessionLive(session, now) ? [session] : [];
  if (begun === undefined || begun.id === session?.id || !isSessionLive(begun, now)) return known;
  return [...known, begun];
}

const sessionOf = (
  accountId: AccountId,
  cookie: SessionCookie,
  proved: Authenticated,
  { sessionId, absoluteSeconds, address, userAgent }: SignInCommand,
  { now, position }: Pick<Moment, 'now' | 'position'>,
): Session => ({
  id: sessionId,
  version: 1,
  accountId,
  createdAt: now,
  expiresAt: later(now, absoluteSeconds * 1000),
  ...proved,
  address,
  userAgent,
  pos: position,
  ended: undefined,
  cookie,
});

const audited = (
  account: AccountId,
  session: SessionId,
  attempt: LoginAttempt,
  { address }: SignInCommand,
  { now }: Moment,
): Write => ({
  kind: 'audit.append',
  entry: {
    at: now,
    event: 'session.authenticated',
    actor: account,
    subject: { account, client: requesterOf(attempt), session },
    detail: address === undefined ? {} : { address },
  },
});
