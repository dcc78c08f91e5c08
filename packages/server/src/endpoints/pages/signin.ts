import { parseIdentifier } from '@latchkey/domain/accounts/identifier';
import { type LoginAttempt, requesterOf } from '@latchkey/domain/login/attempt';
import { decideSignIn, loadSignIn, type SignInCommand } from '@latchkey/domain/login/sign-in';
import { type SigninError, type SigninModel, signInPage } from '@latchkey/pages/signin';
import { type ErrorId, errorRow } from '@latchkey/protocol/errors';
import { LIMITS } from '@latchkey/protocol/limits';
import type { Parameters } from '@latchkey/protocol/parameters';
import { fail, ok } from '@latchkey/protocol/result';
import { withCookies } from '../../http/cookies.ts';
import { pageResponse, themeOf, wordsFor } from '../../http/page.ts';
import { rememberRefusal } from '../../http/refusal.ts';
import { goOn, placeOf } from '../../login/go-on.ts';
import { isLinkOffered } from '../../login/links.ts';
import { goOnSignedIn, prepareSignIn } from '../../login/signed-in.ts';
import {
  findWaiting,
  formActionOf,
  hiddenOf,
  labelOf,
  localesOf,
  readWaitingForm,
  type Waiting,
} from '../../login/waiting.ts';
import { proveGuess, withWait } from '../../prove/guess.ts';
import { deviceCookie } from '../../prove/known-device.ts';
import type { Answer, Call, Endpoint, Refusal, Server } from '../../server.ts';
import { addressKey } from '../../throttle/address.ts';

const SIGN_IN = { path: '/signin', credentials: ['none'], wording: 'page', cors: 'none' } as const;

/** The page that asks who somebody is. */
export const signInForm: Endpoint = {
  ...SIGN_IN,
  method: 'GET',
  summary: 'The page that asks for user name and password.',
  bodyMax: 0,
  async answer(call, server): Promise<Answer> {
    const waiting = await findWaiting(call.url.searchParams.get('login') ?? undefined, call, server);
    if (!waiting.ok) return waiting;
    const isOther = call.url.searchParams.has('other');
    return ok(await page(waiting.value, isOther ? { isOther } : {}, call, server));
  },
};

/** What somebody typed there. */
export const signIn: Endpoint = {
  ...SIGN_IN,
  method: 'POST',
  summary: 'Signs in with what was typed on that page.',
  bodyMax: LIMITS.bodyBytesMax,
  async answer(call, server): Promise<Answer> {
    const sent = await readWaitingForm(call, signIn.bodyMax, server);
    if (!sent.ok) return sent;
    const { form, waiting } = sent.value;
    const { attempt, browser } = waiting;
    const login = { waiting: { id: attempt.id, browser: browser.hash } };
    if (form.get('cancel') !== undefined) return goOn({ login, said: 'deny', browser }, call, signIn, server);
    return typed(form, waiting, call, server);
  },
};

/** Attempts from one address: every sign-in, not only those that fail, since each costs a hash. */
const ATTEMPTS = { burst: 60, perMinute: 60 } as const;

async function typed(form: Parameters, waiting: Waiting, call: Call, server: Server): Promise<Answer> {
  const [username, password] = [form.get('username') ?? '', form.get('password') ?? ''];
  const { attempt, browser } = waiting;
  const requester = requesterOf(attempt);
  const again = (refusal: Refusal) => refused(refusal, username, waiting, call, server);
  const wait = await server.ephemeral.take(`login:${addressKey(call.address)}`, ATTEMPTS);
  if (wait > 0) return again({ error: 'rate_limited', headers: { 'retry-after': String(wait) } });
  if (username.length > 4 * LIMITS.identifierMax || password.length > 4 * LIMITS.passwordBytesMax)
    return again({ error: 'credentials_invalid', about: { client: requester } });
  const proof = await proveGuess({ username, password, client: requester, call }, server);
  if (!proof.ok) return again(proof.error);

  const prepared = prepareSignIn(browser, call, server);
  const command: SignInCommand = { ...prepared.signIn, attemptId: attempt.id, proof: proof.value };
  const { outcome } = await server.commit(
    (read, moment) => loadSignIn(read, command, moment),
    (facts, moment) => decideSignIn(facts, command, moment),
  );
  const account = proof.value.accountId;
  const about = { client: requester, ...(account === undefined ? {} : { account }) };
  if (!outcome.ok) return again(await withWait({ error: outcome.error, about }, proof.value, server));
  const answer = await goOnSignedIn(attempt.id, prepared, call, signIn, server);
  if (!answer.ok || proof.value.result !== 'match') return answer;
  return ok(withCookies(answer.value, [deviceCookie(call, proof.value, server)]));
}

const SHOWN: Readonly<Partial<Record<ErrorId, SigninError>>> = {
  rate_limited: 'throttled',
  account_throttled: 'throttled',
  overloaded: 'overloaded',
};

/** The page once more, which says no more than that it did not work. @spec ASVS 6.3.8 (PWD-11, PWD-16) */
async function refused(
  refusal: Refusal,
  username: string,
  waiting: Waiting,
  call: Call,
  server: Server,
): Promise<Answer> {
  if (refusal.error === 'authorization_request_unknown') return fail(refusal);
  server.metrics.count('latchkey_logins_total', { outcome: 'refused' });
  rememberRefusal(refusal, signIn, call, server);
  const error = SHOWN[refusal.error] ?? 'wrong';
  const status = error === 'wrong' ? 403 : errorRow(refusal.error).status;
  const headers = error === 'wrong' ? {} : { 'retry-after': refusal.headers?.['retry-after'] ?? '1' };
  return ok(await page(waiting, { error, username, status, headers }, call, server));
}

/** A hint comes from the client: only what could be a name is filled in. */
const hintOf = (hint: string | undefined): string | undefined =>
  hint === undefined ? undefined : parseIdentifier(hint)?.normalised;

interface Shown {
  readonly isOther?: boolean;
  readonly error?: SigninError;
  readonly username?: string;
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
}

async function page(waiting: Waiting, shown: Shown, call: Call, server: Server): Promise<Response> {
  const { attempt, client, session } = waiting;
  const isAgain = session !== undefined && shown.isOther !== true;
  const known = isAgain
    ? await labelOf(session, server)
    : hintOf('request' in attempt ? attempt.request.loginHint : undefined);
  const username = shown.username ?? (shown.isOther === true ? undefined : known);
  const html = signInPage(
    {
      theme: themeOf(server),
      action: `${server.settings.issuer}/signin`,
      hidden: hiddenOf(waiting, server),
      ...(client === undefined ? {} : { clientName: client.name }),
      again: isAgain,
      canCancel: client !== undefined,
      ways: waysFrom(attempt, server),
      ...(username === undefined ? {} : { username }),
      ...(shown.error === undefined ? {} : { error: shown.error }),
    },
    wordsFor(call.request, server, localesOf(waiting)),
  );
  const { status = 200, headers = {} } = shown;
  return pageResponse(html, server, { status, headers, formAction: formActionOf(waiting) });
}

/** Where else somebody can go from the page; the login goes along. */
const waysFrom = (attempt: LoginAttempt, server: Server): NonNullable<SigninModel['ways']> => ({
  ...(isLinkOffered('reset_password', server) ? { forgot: placeOf('/reset', attempt, server) } : {}),
  ...(isLinkOffered('register', server) ? { register: placeOf('/register', attempt, server) } : {}),
  ...(isLinkOffered('sign_in', server) ? { by_link: placeOf('/signin/link', attempt, server) } : {}),
});
