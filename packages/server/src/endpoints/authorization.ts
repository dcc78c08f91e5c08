import type { Client } from '@latchkey/domain/clients/client';
import {
  type AuthorizationRequest,
  parseAuthorizationRequest,
  resolveReturnAddress,
} from '@latchkey/protocol/authorization-request';
import { parseId } from '@latchkey/protocol/ids';
import { LIMITS } from '@latchkey/protocol/limits';
import { type Parameters, parseParameters } from '@latchkey/protocol/parameters';
import { fail, ok, type Result } from '@latchkey/protocol/result';
import { decodeIdTokenHint } from '@latchkey/tokens/formats/id-token';
import { readForm } from '../http/body.ts';
import { cookieValueOf, LOGIN_COOKIE, makeCookieValue } from '../http/browser-cookies.ts';
import { answerWith } from '../login/answer.ts';
import { beginningOf } from '../login/begin.ts';
import { goOn } from '../login/go-on.ts';
import { accountOfHint } from '../login/hint.ts';
import type { Answer, Call, Endpoint, Refusal, Server } from '../server.ts';

const AUTHORIZATION = {
  path: '/oauth/authorize',
  credentials: ['none'],
  wording: 'page',
  cors: 'none',
} as const;

/** The authorization endpoint. @spec RFC 6749 §3.1; OIDC Core §3.1.2 */
export const authorization: Endpoint = {
  ...AUTHORIZATION,
  method: 'GET',
  summary: 'Signs a person in and answers the client that asked with a code.',
  bodyMax: 0,
  async answer(call, server): Promise<Answer> {
    if (call.url.search.length > LIMITS.bodyBytesMax) return fail({ error: 'parameter_too_long' });
    const parameters = parseParameters(call.url.search.slice(1));
    if (!parameters.ok) return fail({ error: parameters.error });
    const waiting = parseId('att', parameters.value.get('login') ?? '');
    const browser = cookieValueOf(call, LOGIN_COOKIE);
    if (waiting === undefined) return begin(parameters.value, false, call, server);
    if (browser === undefined) return fail({ error: 'authorization_request_unknown' });
    const login = { waiting: { id: waiting, browser: browser.hash } };
    return goOn({ login, said: 'nothing', browser }, call, authorization, server);
  },
};

/**
 * The same by POST. The browser brings no cookies when the form of another site is sent, so the request is kept, and
 * goes on as soon as the browser comes back by GET.
 *
 * @spec OIDC Core §3.1.2.1
 */
export const authorizationByPost: Endpoint = {
  ...AUTHORIZATION,
  method: 'POST',
  summary: 'The same, with the parameters in a form.',
  bodyMax: LIMITS.bodyBytesMax,
  async answer(call, server): Promise<Answer> {
    const form = await readForm(call.request, authorizationByPost.bodyMax);
    return form.ok ? begin(form.value, true, call, server) : form;
  },
};

/**
 * Begins a login. Until client and redirect URI are proven, whatever is wrong is told on a page; from then on the
 * client is told.
 *
 * @returns `client_unknown`, `client_deleted`, `parameter_missing`, and what `resolveReturnAddress` refuses
 * @spec RFC 6749 §4.1.2.1; RFC 9700 §4.11.2 (ERR-01, ERR-02)
 */
async function begin(parameters: Parameters, isKeptOnly: boolean, call: Call, server: Server): Promise<Answer> {
  const text = parameters.get('client_id');
  if (text === undefined) return fail({ error: 'parameter_missing', detail: 'client_id is missing.' });
  const id = parseId('cli', text);
  const client = id === undefined ? undefined : await server.store.read.client(id);
  if (client === undefined) return fail({ error: 'client_unknown' });
  const about = { client: client.id };
  if (client.deletedAt !== undefined) return fail({ error: 'client_deleted', about });
  const address = resolveReturnAddress(parameters, client);
  if (!address.ok) return fail({ error: address.error, about });

  const endpoint = isKeptOnly ? authorizationByPost : authorization;
  const parsed = parseAuthorizationRequest(parameters, client.id, address.value, client);
  const request = parsed.ok ? await withHint(parsed.value, client, server) : fail({ error: parsed.error, about });
  if (!request.ok) return ok(answerWith({ refusal: request.error, endpoint }, address.value, call, server));
  const browser = cookieValueOf(call, LOGIN_COOKIE) ?? makeCookieValue(server);
  const login = { begun: { ...(await beginningOf(browser, server)), request: request.value } };
  return goOn({ login, said: 'nothing', browser, isKeptOnly }, call, endpoint, server);
}

/**
 * The person that an ID token names, which comes back as a hint: nobody else will do.
 *
 * @returns `id_token_hint_invalid`
 */
async function withHint(
  request: AuthorizationRequest,
  client: Client,
  server: Server,
): Promise<Result<AuthorizationRequest, Refusal>> {
  const { idTokenHint, clientId } = request;
  if (idTokenHint === undefined) return ok(await withAccount(request, client, server));
  const { catalogue } = await server.store.read.moment();
  const { keySet } = await server.keys.at(catalogue);
  const hint = decodeIdTokenHint(idTokenHint, keySet, server.settings.issuer);
  const isFor = hint.ok && hint.value.aud === clientId;
  if (!isFor || (request.subject !== undefined && request.subject !== hint.value.sub))
    return fail({ error: 'id_token_hint_invalid', about: { client: clientId } });
  // the token itself is looked at, and need not wait in the database
  return ok(await withAccount({ ...request, idTokenHint: undefined, subject: hint.value.sub }, client, server));
}

/** The same request about the account that the client means. A subject that nobody has stays: it is nobody's account. */
async function withAccount(
  request: AuthorizationRequest,
  client: Client,
  server: Server,
): Promise<AuthorizationRequest> {
  if (request.subject === undefined) return request;
  return { ...request, subject: (await accountOfHint(request.subject, client, server)) ?? NOBODY };
}

const NOBODY = '';
