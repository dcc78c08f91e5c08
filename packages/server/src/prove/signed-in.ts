import { isTooOld } from '@latchkey/domain/authorization/next-step';
import {
  decideVisit,
  type LiveSession,
  liveSessionOf,
  loadSession,
  onAuthorityOfSession,
} from '@latchkey/domain/login/session-authority';
import { cookieValueOf, SESSION_COOKIE } from '../http/browser-cookies.ts';
import type { Call, Server } from '../server.ts';

/** The person who is signed in in a browser. */
export interface SignedIn extends LiveSession {
  /** Whether the person proved who they are within so many seconds; undefined for whenever. */
  isIn(maxAge: number | undefined): boolean;
  /** Notes that the session was seen, so that one in use does not become idle. */
  see(): Promise<void>;
  /** Changes state on the authority of the session: inside the transaction is seen whether it still holds. */
  readonly commit: Server['commit'];
}

/**
 * Proves who is signed in in a browser, by its session cookie.
 *
 * @param maxAge in seconds, how long ago the person may have proved who they are when something changes; undefined where
 *   that does not matter
 * @returns undefined when nobody is signed in
 * @spec ASVS 7.4.1 (SES-03), 7.5.1 (SES-06)
 */
export async function proveSignedIn(
  maxAge: number | undefined,
  call: Call,
  server: Server,
): Promise<SignedIn | undefined> {
  const cookie = cookieValueOf(call, SESSION_COOKIE);
  if (cookie === undefined) return undefined;
  const { read } = server.store;
  const moment = await read.moment();
  const facts = await loadSession(read, cookie.hash);
  const live = liveSessionOf(facts, moment);
  if (live === undefined) return undefined;
  return {
    ...live,
    isIn: (age) => !isTooOld(live.session, age, moment.now),
    async see() {
      if (decideVisit(facts, moment).writes.length === 0) return;
      await server.commit((tx) => loadSession(tx, cookie.hash), decideVisit);
    },
    commit(load, decide) {
      const authorised = onAuthorityOfSession({ cookie: cookie.hash, maxAge }, load, decide);
      return server.commit(authorised.load, authorised.decide);
    },
  };
}
