import {
  type AccountId,
  type EpochMilliseconds,
  later,
  type SessionId,
  type Sha256,
  seconds,
} from '@latchkey/protocol/types';
import { type AcrLevel, acrOf } from '../authorization/assurance.ts';
import type { Moment, Reader } from '../ports/reader.ts';
import type { Authenticated, TokenFamily } from '../tokens/family.ts';
import { isSessionLive } from '../tokens/liveness.ts';
import type { Write } from '../write.ts';
import { type LoginAttempt, requesterOf } from './attempt.ts';
import { endSessionWrites } from './end-writes.ts';
import type { Session, SessionCookie, SessionSummary } from './session.ts';
import { endOldest } from './start-session.ts';

/** A browser in which somebody signs in, and what was made for the session that they may begin. */
export interface BrowserSignIn {
  /** Hash of the random value that the browser of a login holds in a cookie. */
  readonly browser: Sha256;
  /** Hash of the session cookie that the browser holds now. */
  readonly cookie: Sha256 | undefined;
  readonly sessionId: SessionId;
  readonly newCookie: Sha256;
  readonly idleSeconds: number;
  readonly absoluteSeconds: number;
  readonly address: string | undefined;
  readonly userAgent: string | undefined;
  readonly acrLevels: readonly AcrLevel[];
}

export interface BrowserSessionFacts {
  /** The session that the browser is in now. */
  readonly session: Session | undefined;
  /** The session that this very login has begun before: its form was sent twice, or the answer was lost. */
  readonly begun: Session | undefined;
  /** The sessions of whoever signs in. */
  readonly liveSessions: readonly SessionSummary[];
  /** Families that have to be told of one by one: of whoever signs in, and of whoever was signed in before. */
  readonly pairwise: readonly TokenFamily[];
}

/** Loads what `startInBrowser` looks at; without an account for one that is only being made. */
export async function loadBrowserSession(
  read: Reader,
  { attempt, cookie }: { readonly attempt: LoginAttempt | undefined; readonly cookie: Sha256 | undefined },
  accountId: AccountId | undefined,
  { now }: Moment,
): Promise<BrowserSessionFacts> {
  const progress = attempt?.progress;
  const session = cookie === undefined ? undefined : await read.sessionByCookie(cookie);
  const begun = progress?.stage === 'authenticated' ? await read.session(progress.sessionId) : undefined;
  const pairwise: TokenFamily[] = [];
  for (const person of new Set([accountId, session?.accountId, begun?.accountId]))
    if (person !== undefined) pairwise.push(...(await read.pairwiseFamilies(person)));
  return {
    session,
    begun,
    pairwise,
    liveSessions: accountId === undefined ? [] : await read.liveSessions(accountId, now),
  };
}

/**
 * Whether a login waits in this very browser.
 *
 * @spec RFC 9700 §4.7 (AUT-08: who begins a login must be who ends it)
 */
export const isWaitingIn = (
  attempt: LoginAttempt | undefined,
  browser: Sha256 | undefined,
  now: EpochMilliseconds,
): attempt is LoginAttempt => attempt !== undefined && attempt.browser === browser && now < attempt.expiresAt;

/** Who has just proved who they are, in which login, and how. */
export interface WhoSignedIn {
  readonly accountId: AccountId;
  readonly attempt: LoginAttempt;
  /** @spec RFC 8176 */
  readonly amr: readonly string[];
}

export interface StartedInBrowser {
  readonly id: SessionId;
  readonly writes: readonly Write[];
}

/**
 * The session of a browser in which somebody has just proved who they are. Whoever was signed in before in this browser
 * under another account is signed out; the same person stays in their session, which from now on answers to another
 * cookie and to the new time. One login leaves one session, however often its form is sent: one whose cookie never came
 * to the browser could not be signed out of.
 *
 * @spec ASVS 7.2.4 (SES-02: a new cookie at each authentication); OIDC Core §3.1.2.1 (`auth_time`)
 */
export function startInBrowser(
  facts: BrowserSessionFacts,
  who: WhoSignedIn,
  command: BrowserSignIn,
  moment: Moment,
): StartedInBrowser {
  const { accountId, attempt } = who;
  const { now } = moment;
  const cookie: SessionCookie = { hash: command.newCookie, idleSeconds: command.idleSeconds, seenAt: now };
  const before = sessionsBefore(facts, now);
  const same = before.find((session) => session.accountId === accountId);
  const id = same?.id ?? command.sessionId;
  const next: LoginAttempt = {
    ...attempt,
    version: attempt.version + 1,
    progress: { stage: 'authenticated', sessionId: id },
  };
  const proved = provedNow(who, command, now);
  const started: readonly Write[] =
    same === undefined
      ? [
          ...endOldest(facts.liveSessions, facts.pairwise, now),
          { kind: 'session.start', session: sessionOf(who, cookie, proved, command, moment) },
        ]
      : [{ kind: 'session.authenticate', id, from: same.version, ...proved, cookie }];
  const ending = { reason: 'other_account_signed_in', by: accountId, at: now } as const;
  const replaced = before
    .filter((session) => session !== same)
    .flatMap((session) => endSessionWrites(session, ending, facts.pairwise));
  return {
    id,
    writes: [...replaced, ...started, { kind: 'attempt.store', attempt: next }, audited(id, who, command, moment)],
  };
}

/** The live sessions in which this browser is, that of its cookie first. */
function sessionsBefore({ session, begun }: BrowserSessionFacts, now: Moment['now']): readonly Session[] {
  const known = session !== undefined && isSessionLive(session, now) ? [session] : [];
  if (begun === undefined || begun.id === session?.id || !isSessionLive(begun, now)) return known;
  return [...known, begun];
}

/** What that proves, here and now. */
function provedNow({ amr }: WhoSignedIn, { acrLevels }: BrowserSignIn, now: EpochMilliseconds): Authenticated {
  const proved = { authTime: seconds(now), amr };
  return { ...proved, acr: acrOf(proved, [], acrLevels, now) };
}

const sessionOf = (
  { accountId }: WhoSignedIn,
  cookie: SessionCookie,
  proved: Authenticated,
  { sessionId, absoluteSeconds, address, userAgent }: BrowserSignIn,
  { now, position }: Moment,
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
  session: SessionId,
  { accountId, attempt }: WhoSignedIn,
  { address }: BrowserSignIn,
  { now }: Moment,
): Write => ({
  kind: 'audit.append',
  entry: {
    at: now,
    event: 'session.authenticated',
    actor: accountId,
    subject: { account: accountId, client: requesterOf(attempt), session },
    detail: address === undefined ? {} : { address },
  },
});
