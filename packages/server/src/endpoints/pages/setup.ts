import { parseIdentifier } from '@latchkey/domain/accounts/identifier';
import {
  type CreateAdministratorCommand,
  decideCreateAdministrator,
  decidePromote,
  isSetUpOpen,
  loadCreateAdministrator,
  loadPromote,
  loadSetUp,
} from '@latchkey/domain/administration/set-up-administrator';
import { isSignedIn } from '@latchkey/domain/authorization/advance';
import type { Session } from '@latchkey/domain/login/session';
import { type SetUpError, setUpDonePage, setUpPage } from '@latchkey/pages/set-up';
import { type ErrorId, errorRow } from '@latchkey/protocol/errors';
import { makeId } from '@latchkey/protocol/ids';
import { LIMITS } from '@latchkey/protocol/limits';
import type { Parameters } from '@latchkey/protocol/parameters';
import { fail, ok, type Result } from '@latchkey/protocol/result';
import { adminApiOf } from '../../bootstrap.ts';
import { readForm } from '../../http/body.ts';
import {
  type CookieValue,
  cookieValueOf,
  LOGIN_COOKIE,
  loginCookie,
  makeCookieValue,
  SESSION_COOKIE,
} from '../../http/browser-cookies.ts';
import { withCookies } from '../../http/cookies.ts';
import { checkForm, FORM_TOKEN, formToken } from '../../http/form-guard.ts';
import { pageResponse, themeOf, wordsFor } from '../../http/page.ts';
import { rememberRefusal } from '../../http/refusal.ts';
import { passwordErrorOf } from '../../login/password-error.ts';
import { labelOf } from '../../login/waiting.ts';
import { hashNewPassword } from '../../prove/new-password.ts';
import { secretHash } from '../../prove/secret.ts';
import type { Answer, Call, Endpoint, Refusal, Server } from '../../server.ts';
import { addressKey } from '../../throttle/address.ts';

const SET_UP = { path: '/setup', credentials: ['none'], wording: 'page', cors: 'none' } as const;

/** Links that are opened from one address: each is looked up. */
const OPENED = { burst: 60, perMinute: 60 } as const;

/** The page to which the link of `latchkey init` leads. It changes nothing: whoever only looks at a link uses none up. */
export const setUpForm: Endpoint = {
  ...SET_UP,
  method: 'GET',
  summary: 'The page on which whoever has the link of `latchkey init` becomes an administrator.',
  bodyMax: 0,
  async answer(call, server): Promise<Answer> {
    const opened = await open(call.url.searchParams.get('link') ?? '', call, server);
    return opened.ok ? ok(await page(opened.value, {}, call, server)) : opened;
  },
};

/** What somebody decided there. */
export const setUp: Endpoint = {
  ...SET_UP,
  method: 'POST',
  summary: 'Makes an administrator, and uses the link up.',
  bodyMax: LIMITS.bodyBytesMax,
  async answer(call, server): Promise<Answer> {
    const form = await readForm(call.request, setUp.bodyMax);
    if (!form.ok) return form;
    const opened = await open(form.value.get('link') ?? '', call, server);
    if (!opened.ok) return opened;
    const guarded = checkForm(call, form.value, opened.value.bound, server);
    if (!guarded.ok) return guarded;
    return form.value.get('account') === 'signed-in'
      ? promote(opened.value, call, server)
      : create(form.value, opened.value, call, server);
  },
};

/** A link that is good, and the browser in which it was opened. */
interface Opened {
  readonly link: string;
  readonly browser: CookieValue;
  /** The session that the browser is in, if it lives. */
  readonly session: Session | undefined;
  readonly bound: readonly string[];
}

/** @returns `rate_limited`, `link_invalid` whatever is wrong with it */
async function open(link: string, call: Call, server: Server): Promise<Result<Opened, Refusal>> {
  const wait = await server.ephemeral.take(`setup:${addressKey(call.address)}`, OPENED);
  if (wait > 0) return fail({ error: 'rate_limited', headers: { 'retry-after': String(wait) } });
  const { read } = server.store;
  const moment = await read.moment();
  const facts = await loadSetUp(read, { hash: secretHash(link), adminApi: adminApiOf(server.settings.issuer) });
  if (!isSetUpOpen(facts, moment.now)) return fail({ error: 'link_invalid' });
  const browser = cookieValueOf(call, LOGIN_COOKIE) ?? makeCookieValue(server);
  const cookie = cookieValueOf(call, SESSION_COOKIE);
  const session = cookie === undefined ? undefined : await read.sessionByCookie(cookie.hash);
  const account = session === undefined ? undefined : await read.account(session.accountId);
  const live = isSignedIn({ session, account }, moment) ? session : undefined;
  return ok({ link, browser, session: live, bound: ['set-up', link, browser.value, live?.id ?? ''] });
}

async function promote({ link, session }: Opened, call: Call, server: Server): Promise<Answer> {
  const command = {
    hash: secretHash(link),
    adminApi: adminApiOf(server.settings.issuer),
    cookie: cookieValueOf(call, SESSION_COOKIE)?.hash,
    sessionId: session?.id,
  };
  const { outcome } = await server.commit(
    (read) => loadPromote(read, command),
    (facts, moment) => decidePromote(facts, command, moment),
  );
  if (!outcome.ok) return fail({ error: outcome.error });
  return ok(done(session === undefined ? outcome.value : await labelOf(session, server), call, server));
}

async function create(form: Parameters, opened: Opened, call: Call, server: Server): Promise<Answer> {
  const [username, password] = [form.get('username') ?? '', form.get('password') ?? ''];
  const again = (error: ErrorId) => refused(error, username, opened, call, server);
  const identifier = parseIdentifier(username);
  if (identifier === undefined) return again('identifier_invalid');
  const phc = await hashNewPassword(password, { accountId: undefined, identifiers: [identifier.display] }, server);
  if (!phc.ok) return shownOf(phc.error.error) === undefined ? phc : again(phc.error.error);
  const command: CreateAdministratorCommand = {
    hash: secretHash(opened.link),
    adminApi: adminApiOf(server.settings.issuer),
    id: makeId('acc', server.now(), server.entropy(10)),
    identifier,
    phc: phc.value,
  };
  const { outcome } = await server.commit(
    (read) => loadCreateAdministrator(read, command),
    (facts, moment) => decideCreateAdministrator(facts, command, moment),
  );
  if (outcome.ok) return ok(done(identifier.display, call, server));
  return shownOf(outcome.error) === undefined ? fail({ error: outcome.error }) : again(outcome.error);
}

/** What somebody can mend on the page itself. Whoever has the link may know that a name is taken. */
function shownOf(error: ErrorId): SetUpError | undefined {
  if (error === 'identifier_invalid') return 'username';
  return error === 'identifier_taken' ? 'taken' : passwordErrorOf(error);
}

/** The page once more, with what is wrong; the link stays good. */
async function refused(error: ErrorId, username: string, opened: Opened, call: Call, server: Server): Promise<Answer> {
  rememberRefusal({ error }, setUp, call, server);
  const shown = shownOf(error);
  const { status } = errorRow(error);
  return ok(await page(opened, { username, status, ...(shown === undefined ? {} : { error: shown }) }, call, server));
}

interface Shown {
  readonly username?: string;
  readonly error?: SetUpError;
  readonly status?: number;
}

async function page(opened: Opened, shown: Shown, call: Call, server: Server): Promise<Response> {
  const { link, browser, session, bound } = opened;
  const { status = 200, ...said } = shown;
  const html = setUpPage(
    {
      theme: themeOf(server),
      action: `${server.settings.issuer}/setup`,
      hidden: { link, [FORM_TOKEN]: formToken(server, bound) },
      ...(session === undefined ? {} : { accountLabel: await labelOf(session, server) }),
      ...said,
    },
    wordsFor(call.request, server),
  );
  return withCookies(pageResponse(html, server, { status, formAction: [] }), [loginCookie(browser)]);
}

const done = (accountLabel: string, call: Call, server: Server): Response =>
  pageResponse(setUpDonePage({ theme: themeOf(server), accountLabel }, wordsFor(call.request, server)), server);
