import { type AskError, type AskedLink, askForMailPage } from '@latchkey/pages/ask-for-mail';
import { mailboxPage } from '@latchkey/pages/mailbox';
import { LIMITS } from '@latchkey/protocol/limits';
import { fail, ok } from '@latchkey/protocol/result';
import { readForm } from '../../http/body.ts';
import {
  type CookieValue,
  cookieValueOf,
  LOGIN_COOKIE,
  loginCookie,
  makeCookieValue,
} from '../../http/browser-cookies.ts';
import { withCookies } from '../../http/cookies.ts';
import { checkForm, FORM_TOKEN, formToken } from '../../http/form-guard.ts';
import { pageResponse, seeOther, themeOf, wordsFor } from '../../http/page.ts';
import { rememberRefusal } from '../../http/refusal.ts';
import { leaveMailRequest, readMailTarget } from '../../login/ask-for-mail.ts';
import { placeOf } from '../../login/go-on.ts';
import { isLinkOffered } from '../../login/links.ts';
import { findWaiting, localesOf, type Waiting } from '../../login/waiting.ts';
import { LINK_MINUTES } from '../../outbox/account-mail.ts';
import type { Answer, Call, Endpoint, Refusal, Server } from '../../server.ts';

const PAGE = { credentials: ['none'], wording: 'page', cors: 'none' } as const;

/** A page that asks where to send a link, and what takes the answer. */
interface AskPages {
  readonly page: Endpoint;
  readonly send: Endpoint;
}

/** Which link is asked for, and where. */
interface Asked {
  readonly kind: AskedLink;
  readonly path: string;
  /** What for, as the reference says it. */
  readonly what: string;
}

/**
 * The three pages on which a link can be asked for are one: form, form token and limits are looked at, and then the
 * answer is the same in every case. Only a link to sign in belongs to a login that waits.
 */
function askPages(asked: Asked): AskPages {
  const { kind, path, what } = asked;
  const send: Endpoint = {
    ...PAGE,
    path,
    method: 'POST',
    summary: `Sends a link ${what}, if there is anybody to get it; the answer does not tell.`,
    bodyMax: LIMITS.bodyBytesMax,
    async answer(call, server): Promise<Answer> {
      if (!isLinkOffered(kind, server)) return fail({ error: 'path_unknown' });
      const form = await readForm(call.request, send.bodyMax);
      if (!form.ok) return form;
      const login = form.value.get('login');
      const browser = cookieValueOf(call, LOGIN_COOKIE);
      // nobody has seen the page in this browser, or it was too long ago
      if (browser === undefined) return ok(seeOther(`${server.settings.issuer}${path}`));
      const guarded = checkForm(call, form.value, boundOf(kind, browser, login), server);
      if (!guarded.ok) return guarded;
      const found = await findWaiting(login, call, server);
      if (!found.ok && kind === 'sign_in') return found;
      const shown: Shown = { asked, browser, login, waiting: found.ok ? found.value : undefined };
      const typed = form.value.get('identifier') ?? '';
      return leave(typed, shown, send, call, server);
    },
  };
  const page: Endpoint = {
    ...PAGE,
    path,
    method: 'GET',
    summary: `The page that asks where to send a link ${what}.`,
    bodyMax: 0,
    async answer(call, server): Promise<Answer> {
      if (!isLinkOffered(kind, server)) return fail({ error: 'path_unknown' });
      const found = await findWaiting(call.url.searchParams.get('login') ?? undefined, call, server);
      if (!found.ok && kind === 'sign_in') return found;
      const browser = cookieValueOf(call, LOGIN_COOKIE) ?? makeCookieValue(server);
      const waiting = found.ok ? found.value : undefined;
      const response = show({ asked, browser, login: waiting?.attempt.id, waiting }, call, server);
      return ok(withCookies(response, [loginCookie(browser)]));
    },
  };
  return { page, send };
}

/** What a page of these is made of. */
interface Shown {
  readonly asked: Asked;
  readonly browser: CookieValue;
  /** As the form says it. */
  readonly login: string | undefined;
  readonly waiting: Waiting | undefined;
  readonly typed?: string;
  readonly error?: AskError;
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
}

async function leave(typed: string, shown: Shown, endpoint: Endpoint, call: Call, server: Server): Promise<Answer> {
  const { asked, waiting } = shown;
  const again = (refusal: Refusal, error: AskError, status: number): Answer => {
    rememberRefusal(refusal, endpoint, call, server);
    return ok(show({ ...shown, typed, error, status, headers: refusal.headers ?? {} }, call, server));
  };
  const identifier = readMailTarget(typed, asked.kind);
  if (identifier === undefined) return again({ error: 'identifier_invalid' }, 'invalid', 422);
  const left = await leaveMailRequest(
    {
      purpose: asked.kind,
      identifier,
      accountId: undefined,
      sessionId: undefined,
      attemptId: waiting?.attempt.id,
      language: wordsOf(waiting, call, server).language,
    },
    call,
    server,
  );
  if (!left.ok) return again(left.error, 'throttled', 429);
  return ok(seeOther(`${server.settings.issuer}${MAILBOX}`));
}

const boundOf = (kind: AskedLink, browser: CookieValue, login: string | undefined): readonly string[] => [
  'ask',
  kind,
  browser.value,
  login ?? '',
];

const wordsOf = (waiting: Waiting | undefined, call: Call, server: Server) =>
  wordsFor(call.request, server, waiting === undefined ? [] : localesOf(waiting));

function show(shown: Shown, call: Call, server: Server): Response {
  const { asked, browser, login, waiting, typed, error, status = 200, headers = {} } = shown;
  const html = askForMailPage(
    {
      theme: themeOf(server),
      kind: asked.kind,
      action: `${server.settings.issuer}${asked.path}`,
      hidden: {
        ...(login === undefined ? {} : { login }),
        [FORM_TOKEN]: formToken(server, boundOf(asked.kind, browser, login)),
      },
      ...(typed === undefined ? {} : { typed: typed.slice(0, LIMITS.identifierMax) }),
      ...(error === undefined ? {} : { error }),
      ...(waiting === undefined ? {} : { backTo: placeOf('/signin', waiting.attempt, server) }),
    },
    wordsOf(waiting, call, server),
  );
  return pageResponse(html, server, { status, headers, formAction: [] });
}

/** Where somebody who forgot a password asks for a link to set another one. */
export const reset = askPages({ kind: 'reset_password', path: '/reset', what: 'to set a new password' });

/** Where somebody who has no account asks for a link to make one. */
export const register = askPages({ kind: 'register', path: '/register', what: 'to create an account' });

/** Where somebody who is signing in asks for a link to do it by. */
export const signInLink = askPages({ kind: 'sign_in', path: '/signin/link', what: 'to sign in' });

const MAILBOX = '/mailbox';

/** The page after that, which is the same in every case. */
export const mailbox: Endpoint = {
  ...PAGE,
  method: 'GET',
  path: MAILBOX,
  summary: 'The page that says to look into the mailbox, after a link was asked for.',
  bodyMax: 0,
  answer: (call, server) =>
    Promise.resolve(
      ok(
        pageResponse(
          mailboxPage({ theme: themeOf(server), minutes: LINK_MINUTES }, wordsFor(call.request, server)),
          server,
        ),
      ),
    ),
};
