import type { LoginAttempt, OwnPage } from '@latchkey/domain/login/attempt';
import { makeId } from '@latchkey/protocol/ids';
import { DURATIONS } from '@latchkey/protocol/limits';
import { later } from '@latchkey/protocol/types';
import { type CookieValue, cookieValueOf, LOGIN_COOKIE, makeCookieValue } from '../http/browser-cookies.ts';
import type { Answer, Call, Endpoint, Server } from '../server.ts';
import { goOn } from './go-on.ts';

/** A login as it begins, whatever it is for. */
export async function beginningOf(
  browser: CookieValue,
  server: Server,
): Promise<Omit<LoginAttempt, 'request' | 'page'>> {
  const { now } = await server.store.read.moment();
  return {
    id: makeId('att', server.now(), server.entropy(10)),
    version: 1,
    browser: browser.hash,
    progress: { stage: 'begun' },
    createdAt: now,
    expiresAt: later(now, DURATIONS.loginAttempt * 1000),
  };
}

/** Sends whoever wants to see one of our own pages to sign in, and there once they have. */
export async function signInTo(page: OwnPage, call: Call, endpoint: Endpoint, server: Server): Promise<Answer> {
  const browser = cookieValueOf(call, LOGIN_COOKIE) ?? makeCookieValue(server);
  const login = { begun: { ...(await beginningOf(browser, server)), page } };
  return goOn({ login, said: 'nothing', browser }, call, endpoint, server);
}
