import type { BrowserSignIn } from '@latchkey/domain/login/browser-session';
import { makeId } from '@latchkey/protocol/ids';
import { LIMITS } from '@latchkey/protocol/limits';
import { fail, ok } from '@latchkey/protocol/result';
import type { AttemptId } from '@latchkey/protocol/types';
import {
  type CookieValue,
  cookieValueOf,
  makeCookieValue,
  SESSION_COOKIE,
  sessionCookie,
} from '../http/browser-cookies.ts';
import { withCookies } from '../http/cookies.ts';
import type { Answer, Call, Endpoint, Server } from '../server.ts';
import { goOn } from './go-on.ts';

/** What a sign-in in this browser is made of, and the cookie that it will answer to. */
export interface Prepared {
  readonly signIn: BrowserSignIn;
  readonly browser: CookieValue;
  readonly session: CookieValue;
}

/** Makes what a sign-in in this browser needs, before it is decided. */
export function prepareSignIn(browser: CookieValue, call: Call, server: Server): Prepared {
  const session = makeCookieValue(server);
  const { settings } = server;
  return {
    browser,
    session,
    signIn: {
      browser: browser.hash,
      cookie: cookieValueOf(call, SESSION_COOKIE)?.hash,
      sessionId: makeId('ses', server.now(), server.entropy(10)),
      newCookie: session.hash,
      idleSeconds: settings.sessionIdleSeconds,
      absoluteSeconds: settings.sessionAbsoluteSeconds,
      address: call.address,
      acrLevels: settings.acrLevels,
      userAgent: call.request.headers.get('user-agent')?.slice(0, LIMITS.userAgentMax),
    },
  };
}

/** Goes on with a login in which somebody has just signed in, and gives the browser its new cookie. */
export async function goOnSignedIn(
  attemptId: AttemptId,
  { browser, session }: Prepared,
  call: Call,
  endpoint: Endpoint,
  server: Server,
): Promise<Answer> {
  server.metrics.count('latchkey_logins_total', { outcome: 'succeeded' });
  const login = { waiting: { id: attemptId, browser: browser.hash } };
  const answer = await goOn({ login, said: 'nothing', browser, session }, call, endpoint, server);
  // the cookie before is of no more use, whatever comes next
  const cookie = sessionCookie(session, server.settings.sessionAbsoluteSeconds);
  if (!answer.ok) return fail({ ...answer.error, headers: { ...answer.error.headers, 'set-cookie': cookie } });
  return ok(withCookies(answer.value, [cookie]));
}
