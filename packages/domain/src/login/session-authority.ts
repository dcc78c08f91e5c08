import type { Sha256 } from '@latchkey/protocol/types';
import type { Account } from '../accounts/account.ts';
import { isSignedIn, seen } from '../authorization/advance.ts';
import { isTooOld } from '../authorization/next-step.ts';
import { allow, type Decision, refuse } from '../decision.ts';
import type { Moment, Reader } from '../ports/reader.ts';
import type { Session } from './session.ts';

/** By what a browser speaks for an account: its session cookie, and how lately the person proved who they are. */
export interface SessionAuthority {
  /** Hash of the session cookie. */
  readonly cookie: Sha256;
  /** In seconds; undefined where any live session will do. */
  readonly maxAge: number | undefined;
}

/** The session that a cookie names, and its account. */
export interface SessionFacts {
  readonly session: Session | undefined;
  readonly account: Account | undefined;
}

/** A session that speaks for its account. */
export interface LiveSession {
  readonly session: Session;
  readonly account: Account;
}

export async function loadSession(read: Reader, cookie: Sha256): Promise<SessionFacts> {
  const session = await read.sessionByCookie(cookie);
  return { session, account: session === undefined ? undefined : await read.account(session.accountId) };
}

/** The session and its account, while the one may speak for the other. */
export function liveSessionOf(facts: SessionFacts, moment: Pick<Moment, 'now'>): LiveSession | undefined {
  const { session, account } = facts;
  if (session === undefined || account === undefined || !isSignedIn(facts, moment)) return undefined;
  return { session, account };
}

/** Decides that a session was seen, which keeps its idle time from running out. One that is over stays so. */
export function decideVisit(facts: SessionFacts, moment: Moment): Decision<undefined> {
  const live = liveSessionOf(facts, moment);
  return allow(undefined, live === undefined ? [] : seen(live.session, moment));
}

/** The facts of a decision, and those about the session of whoever asks for it. */
export interface OnSession<Facts> {
  readonly authority: SessionFacts;
  readonly facts: Facts;
}

/**
 * A decision on behalf of whoever holds the cookie of a session. The cookie was looked at before the transaction; inside
 * of it is seen whether its session still lives, and whether the person proved lately enough who they are.
 *
 * @returns `login_required`, `authentication_too_old`, and what the decision refuses
 * @spec ASVS 7.5.1, 7.5.2 (SES-06)
 */
export const onAuthorityOfSession = <Facts, T>(
  { cookie, maxAge }: SessionAuthority,
  load: (read: Reader, moment: Moment) => Promise<Facts>,
  decide: (facts: Facts, moment: Moment) => Decision<T>,
) => ({
  load: async (read: Reader, moment: Moment): Promise<OnSession<Facts>> => ({
    authority: await loadSession(read, cookie),
    facts: await load(read, moment),
  }),
  decide: ({ authority, facts }: OnSession<Facts>, moment: Moment): Decision<T> => {
    const live = liveSessionOf(authority, moment);
    if (live === undefined) return refuse('login_required');
    return isTooOld(live.session, maxAge, moment.now) ? refuse('authentication_too_old') : decide(facts, moment);
  },
});
