import type { Client } from '@latchkey/domain/clients/client';
import { loadSessionEnds } from '@latchkey/domain/login/end-sessions';
import type { Session } from '@latchkey/domain/login/session';
import { decideSignOut } from '@latchkey/domain/login/sign-out';
import { isSessionLive } from '@latchkey/domain/tokens/liveness';
import { confirmSignOutPage } from '@latchkey/pages/confirm-sign-out';
import { signedOutPage } from '@latchkey/pages/signed-out';
import { parseId } from '@latchkey/protocol/ids';
import { LIMITS } from '@latchkey/protocol/limits';
import { type Parameters, parseParameters } from '@latchkey/protocol/parameters';
import { formActionSource, responseUri } from '@latchkey/protocol/redirect-uri';
import { fail, ok } from '@latchkey/protocol/result';
import { decodeIdTokenHint } from '@latchkey/tokens/formats/id-token';
import { readForm } from '../http/body.ts';
import { type CookieValue, clearedSessionCookie, cookieValueOf, SESSION_COOKIE } from '../http/browser-cookies.ts';
import { withCookies } from '../http/cookies.ts';
import { checkForm, FORM_TOKEN, formToken } from '../http/form-guard.ts';
import { pageResponse, seeOther, themeOf, wordsFor } from '../http/page.ts';
import { accountOfHint, sessionOfHint } from '../login/hint.ts';
import { labelOf } from '../login/waiting.ts';
import type { Answer, Call, Endpoint, Server } from '../server.ts';

const PAGE = { credentials: ['none'], wording: 'page', cors: 'none' } as const;

/** The parameters that come along from page to page. @spec OIDC RP-Initiated Logout §2 */
const NAMES = ['id_token_hint', 'client_id', 'post_logout_redirect_uri', 'state', 'ui_locales'] as const;

/** Where a client asks for a logout. @spec OIDC RP-Initiated Logout §2 */
export const endSession: Endpoint = {
  ...PAGE,
  method: 'GET',
  path: '/oauth/logout',
  summary: 'Signs the person out whom an ID token names; without one it asks first.',
  bodyMax: 0,
  async answer(call, server): Promise<Answer> {
    if (call.url.search.length > LIMITS.bodyBytesMax) return fail({ error: 'parameter_too_long' });
    const parameters = parseParameters(call.url.search.slice(1));
    if (!parameters.ok) return fail({ error: parameters.error });
    const asked = await askedBy(parameters.value, call, server);
    const { session, hint, target } = asked;
    if (session === undefined)
      return ok(hint !== undefined && target !== undefined ? seeOther(target) : signedOut(target, call, server));
    return ok(
      (await isMeant(asked, server))
        ? await signOut(asked, call, server)
        : await confirmation(parameters.value, asked, call, server),
    );
  },
};

/** The same by POST: the browser brings no cookies with the form of another site, so it is sent on by GET. */
export const endSessionByPost: Endpoint = {
  ...PAGE,
  method: 'POST',
  path: '/oauth/logout',
  summary: 'The same, with the parameters in a form.',
  bodyMax: LIMITS.bodyBytesMax,
  async answer(call, server): Promise<Answer> {
    const form = await readForm(call.request, endSessionByPost.bodyMax);
    if (!form.ok) return form;
    const query = new URLSearchParams(given(form.value)).toString();
    return ok(seeOther(`${server.settings.issuer}/oauth/logout${query === '' ? '' : `?${query}`}`));
  },
};

/** What somebody answered on the page that asks. @spec OIDC RP-Initiated Logout §6 (LOGO-01) */
export const confirmEndSession: Endpoint = {
  ...PAGE,
  method: 'POST',
  path: '/signout',
  summary: 'Signs out, after the page that asks.',
  bodyMax: LIMITS.bodyBytesMax,
  async answer(call, server): Promise<Answer> {
    const form = await readForm(call.request, confirmEndSession.bodyMax);
    if (!form.ok) return form;
    const asked = await askedBy(form.value, call, server);
    if (asked.session === undefined) return ok(signedOut(asked.target, call, server));
    const guarded = checkForm(call, form.value, boundOf(asked), server);
    if (!guarded.ok) return guarded;
    if (form.value.get('decision') !== 'sign-out') return ok(seeOther(`${server.settings.issuer}/`));
    return ok(await signOut(asked, call, server));
  },
};

interface Asked {
  readonly session: Session | undefined;
  readonly cookie: CookieValue | undefined;
  readonly client: Client | undefined;
  readonly hint: { readonly sub: string; readonly sid: string | undefined } | undefined;
  /** Where the browser goes afterwards: only what the client that is named has registered, to the letter. */
  readonly target: string | undefined;
}

/** @spec OIDC RP-Initiated Logout §2, §3 (LOGO-02: the hint may be old; LOGO-03: exact match) */
async function askedBy(parameters: Parameters, call: Call, server: Server): Promise<Asked> {
  const { read } = server.store;
  const moment = await read.moment();
  const cookie = cookieValueOf(call, SESSION_COOKIE);
  const session = cookie === undefined ? undefined : await read.sessionByCookie(cookie.hash);
  const { keySet } = await server.keys.at(moment.catalogue);
  const text = parameters.get('id_token_hint');
  const decoded = text === undefined ? undefined : decodeIdTokenHint(text, keySet, server.settings.issuer);
  const named = parameters.get('client_id');
  const isAtOdds = decoded?.ok === true && named !== undefined && named !== decoded.value.aud;
  const hint = decoded?.ok === true && !isAtOdds ? decoded.value : undefined;
  const clientId = isAtOdds ? undefined : parseId('cli', hint?.aud ?? named ?? '');
  const client = clientId === undefined ? undefined : await read.client(clientId);
  return {
    // whoever wants an end to it may have it, however long the browser was away
    session: isSessionLive(session, moment.now) ? session : undefined,
    cookie,
    client,
    hint,
    target: targetOf(parameters, client),
  };
}

/** Whether the hint names the person who is signed in here, and this very session, if it names one. */
async function isMeant({ session, hint, client }: Asked, server: Server): Promise<boolean> {
  if (session === undefined || hint === undefined || client === undefined) return false;
  if ((await accountOfHint(hint.sub, client, server)) !== session.accountId) return false;
  return hint.sid === undefined || (await sessionOfHint(hint.sid, client, server)) === session.id;
}

function targetOf(parameters: Parameters, client: Client | undefined): string | undefined {
  const uri = parameters.get('post_logout_redirect_uri');
  if (uri === undefined || client === undefined || client.deletedAt !== undefined) return undefined;
  if (!client.postLogoutRedirectUris.includes(uri)) return undefined;
  const state = parameters.get('state');
  return state === undefined || state.length > LIMITS.stateMax ? uri : responseUri(uri, [['state', state]]);
}

const boundOf = ({ session, cookie }: Asked): readonly string[] => ['sign-out', session?.id ?? '', cookie?.value ?? ''];

const given = (parameters: Parameters): Record<string, string> =>
  Object.fromEntries(
    NAMES.map((name) => [name, parameters.get(name)] as const).filter(
      (pair): pair is [(typeof NAMES)[number], string] => pair[1] !== undefined,
    ),
  );

async function signOut({ session, target }: Asked, call: Call, server: Server): Promise<Response> {
  if (session !== undefined)
    await server.commit(
      (read) => loadSessionEnds(read, session.id),
      (ends, moment) => decideSignOut(ends, moment),
    );
  const answer = target !== undefined ? seeOther(target) : signedOut(target, call, server);
  return withCookies(answer, [clearedSessionCookie]);
}

function signedOut(target: string | undefined, call: Call, server: Server): Response {
  const model = { theme: themeOf(server), ...(target === undefined ? {} : { returnTo: target }) };
  return pageResponse(signedOutPage(model, wordsFor(call.request, server)), server);
}

async function confirmation(parameters: Parameters, asked: Asked, call: Call, server: Server): Promise<Response> {
  const { session, client, target } = asked;
  const page = confirmSignOutPage(
    {
      theme: themeOf(server),
      action: `${server.settings.issuer}/signout`,
      hidden: { ...given(parameters), [FORM_TOKEN]: formToken(server, boundOf(asked)) },
      accountLabel: session === undefined ? '' : await labelOf(session, server),
      ...(client === undefined ? {} : { clientName: client.name }),
    },
    wordsFor(call.request, server, (parameters.get('ui_locales') ?? '').split(' ').slice(0, LIMITS.uiLocalesMax)),
  );
  return pageResponse(page, server, { formAction: target === undefined ? [] : [formActionSource(target)] });
}
