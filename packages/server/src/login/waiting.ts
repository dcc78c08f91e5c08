import { isSignedIn } from '@latchkey/domain/authorization/advance';
import type { Client } from '@latchkey/domain/clients/client';
import type { ClientLogin, LoginAttempt } from '@latchkey/domain/login/attempt';
import type { Session } from '@latchkey/domain/login/session';
import { parseId } from '@latchkey/protocol/ids';
import type { Parameters } from '@latchkey/protocol/parameters';
import { formActionSource } from '@latchkey/protocol/redirect-uri';
import { fail, ok, type Result } from '@latchkey/protocol/result';
import { readForm } from '../http/body.ts';
import { type CookieValue, cookieValueOf, LOGIN_COOKIE, SESSION_COOKIE } from '../http/browser-cookies.ts';
import { checkForm, FORM_TOKEN, formToken } from '../http/form-guard.ts';
import type { Call, Refusal, Server } from '../server.ts';

/** A login that waits with a page, as far as the page must know it. */
export interface Waiting {
  readonly attempt: LoginAttempt;
  /** Who asked for it; undefined for a login to one of our own pages. */
  readonly client: Client | undefined;
  readonly browser: CookieValue;
  /** The session that the browser is in, if it lives. */
  readonly session: Session | undefined;
  /** What the forms of the page are bound to. */
  readonly bound: readonly string[];
}

/**
 * Finds the login that a page belongs to: one of this very browser, whose time is not over.
 *
 * @returns `authorization_request_unknown`
 * @spec RFC 9700 §4.7 (AUT-08: who begins a login must be who ends it)
 */
export async function findWaiting(
  id: string | undefined,
  call: Call,
  server: Server,
): Promise<Result<Waiting, Refusal>> {
  const attemptId = parseId('att', id ?? '');
  const browser = cookieValueOf(call, LOGIN_COOKIE);
  const { read } = server.store;
  const moment = await read.moment();
  const attempt = attemptId === undefined ? undefined : await read.attempt(attemptId);
  if (browser === undefined || attempt?.browser !== browser.hash || moment.now >= attempt.expiresAt)
    return fail({ error: 'authorization_request_unknown' });
  const client = 'request' in attempt ? await read.client(attempt.request.clientId) : undefined;
  if ('request' in attempt && client === undefined) return fail({ error: 'authorization_request_unknown' });
  const cookie = cookieValueOf(call, SESSION_COOKIE);
  const session = cookie === undefined ? undefined : await read.sessionByCookie(cookie.hash);
  const account = session === undefined ? undefined : await read.account(session.accountId);
  const live = isSignedIn({ session, account }, moment) ? session : undefined;
  return ok({ attempt, client, browser, session: live, bound: [attempt.id, browser.value, live?.id ?? ''] });
}

/** A login that waits and that a client asked for. */
export interface WaitingClient extends Waiting {
  readonly attempt: ClientLogin;
  readonly client: Client;
}

/**
 * The same for a page that makes sense only in a login that a client asked for.
 *
 * @returns `authorization_request_unknown`
 */
export function askedByClient(waiting: Waiting): Result<WaitingClient, Refusal> {
  const { attempt, client } = waiting;
  if (!('request' in attempt) || client === undefined) return fail({ error: 'authorization_request_unknown' });
  return ok({ ...waiting, attempt, client });
}

/** A form of such a page, and the login that it belongs to. */
export interface WaitingForm {
  readonly form: Parameters;
  readonly waiting: Waiting;
}

/**
 * Reads the form of such a page, which must come from the page and from this browser.
 *
 * @returns what `readForm`, `findWaiting` and `checkForm` refuse
 */
export async function readWaitingForm(
  call: Call,
  bodyMax: number,
  server: Server,
): Promise<Result<WaitingForm, Refusal>> {
  const form = await readForm(call.request, bodyMax);
  if (!form.ok) return form;
  const waiting = await findWaiting(form.value.get('login'), call, server);
  if (!waiting.ok) return waiting;
  const guarded = checkForm(call, form.value, waiting.value.bound, server);
  return guarded.ok ? ok({ form: form.value, waiting: waiting.value }) : guarded;
}

/** What every form of such a page carries. */
export const hiddenOf = ({ attempt, bound }: Waiting, server: Server): Readonly<Record<string, string>> => ({
  login: attempt.id,
  [FORM_TOKEN]: formToken(server, bound),
});

/** Where the forms of such a page may end: the answer goes to the client by a redirect of the form's own answer. */
export const formActionOf = ({ attempt }: Waiting): readonly string[] =>
  'request' in attempt ? [formActionSource(attempt.request.redirectUri)] : [];

/** The languages that whoever began the login asked for. */
export const localesOf = ({ attempt }: Waiting): readonly string[] =>
  'request' in attempt ? attempt.request.uiLocales : [];

/** By what a person knows an account. */
export async function labelOf(session: Session, server: Server): Promise<string> {
  const [first] = await server.store.read.identifiers(session.accountId);
  return first?.display ?? session.accountId;
}
