import { formPostPage } from '@latchkey/pages/form-post';
import type { ReturnAddress } from '@latchkey/protocol/authorization-request';
import { errorRow } from '@latchkey/protocol/errors';
import { formActionSource, responseUri } from '@latchkey/protocol/redirect-uri';
import { pageResponse, seeOther, themeOf, wordsFor } from '../http/page.ts';
import { rememberRefusal } from '../http/refusal.ts';
import type { Call, Endpoint, Refusal, Server } from '../server.ts';

/** What an authorization request is answered with: a code, or why there is none. */
export type AuthorizationAnswer =
  | { readonly code: string }
  | { readonly refusal: Refusal; readonly endpoint: Endpoint };

/**
 * Sends the answer of an authorization request to the client, by way of the browser: in the query, or in a form that
 * the browser posts. Every answer says who gives it.
 *
 * @spec RFC 6749 §4.1.2, §4.1.2.1; RFC 9207 §2; OAuth 2.0 Form Post Response Mode §2
 */
export function answerWith(
  answer: AuthorizationAnswer,
  { redirectUri, responseMode, state }: ReturnAddress,
  call: Call,
  server: Server,
): Response {
  const fields: Readonly<Record<string, string>> = {
    ...('code' in answer ? { code: answer.code } : errorFields(answer.refusal, answer.endpoint, call, server)),
    ...(state === undefined ? {} : { state }),
    iss: server.settings.issuer,
  };
  if (responseMode === 'query') return seeOther(responseUri(redirectUri, Object.entries(fields)));
  const page = formPostPage({ theme: themeOf(server), action: redirectUri, fields }, wordsFor(call.request, server));
  return pageResponse(page, server, { formAction: [formActionSource(redirectUri)], sendsItself: true });
}

function errorFields(refusal: Refusal, endpoint: Endpoint, call: Call, server: Server) {
  const row = errorRow(refusal.error);
  rememberRefusal(refusal, endpoint, call, server);
  return { error: row.code, ...(row.disclose ? { error_description: row.description } : {}) };
}
