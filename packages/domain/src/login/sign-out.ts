import { allow, type Decision } from '../decision.ts';
import type { Moment } from '../ports/reader.ts';
import { isSessionLive } from '../tokens/liveness.ts';
import type { SessionEnds } from './end-sessions.ts';
import { endSessionWrites } from './end-writes.ts';

/**
 * Decides a sign-out in the browser: its session ends, and with it everything that was issued in it. A session that has
 * ended already ends no second time.
 *
 * @spec OIDC RP-Initiated Logout §2 (LOGO-07)
 */
export const decideSignOut = ({ session, pairwise }: SessionEnds, { now }: Moment): Decision<undefined> =>
  session === undefined || !isSessionLive(session, now)
    ? allow(undefined)
    : allow(undefined, endSessionWrites(session, { reason: 'logout', by: session.accountId, at: now }, pairwise));
