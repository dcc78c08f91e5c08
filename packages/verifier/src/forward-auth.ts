import type { ErrorId } from '@latchkey/protocol/errors';
import { type ForwardQuestion, parseForwardQuestion, parseForwardTarget } from '@latchkey/protocol/forward-auth';
import { parseForwardedRequest } from '@latchkey/protocol/forwarded-request';
import { ok, type Result } from '@latchkey/protocol/result';
import { parseApiKey } from '@latchkey/tokens/formats/api-key';
import { type Assertor, encodeForwardAssertion, forwardAssertionOf } from '@latchkey/tokens/formats/forward-assertion';
import type { Signer } from '@latchkey/tokens/keys/signer';
import type { Access } from './access.ts';
import type { Rejection } from './challenge.ts';
import type { Requirements } from './guards.ts';
import { presentedToken } from './presented-token.ts';
import type { RequestLike } from './request.ts';

/** A call of a proxy: the target is as it came, from `/verify` on. */
export interface ForwardAuthCall extends RequestLike {
  readonly target: string;
}

/** What a proxy asks, and about which request. */
export interface ForwardAuthRequest {
  /** The id of the resource; undefined where the call names none. */
  readonly resource: string | undefined;
  readonly question: ForwardQuestion;
  /** The original request, with those of its headers that count. */
  readonly original: RequestLike;
}

/** Who decides about requests, and in whose name answers are signed: the server by its rows, the sidecar by its feed. */
export interface ForwardAuthority {
  authenticate(request: RequestLike, asked: Requirements): Promise<Result<Access, Rejection>>;
  /** Words a refusal that needed no look at the credential, and remembers it. */
  reject(error: ErrorId, asked: Requirements): Rejection;
  /** An assertion for one request; its id is used once. */
  assertor(): Assertor;
  readonly signer: Signer;
}

/** An answer to a proxy. */
export interface ForwardAuthAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** To be sent as JSON; all of it is ASCII. Undefined where the request may pass. */
  readonly body: Readonly<Record<string, string>> | undefined;
}

/**
 * Reads a forward-auth call.
 *
 * @param apiKeyHeader the header of API keys, in lower case, where the question names none
 * @returns `forward_question_malformed`, and what `parseForwardedRequest` refuses
 */
export function readForwardAuth(call: ForwardAuthCall, apiKeyHeader?: string): Result<ForwardAuthRequest, ErrorId> {
  const target = parseForwardTarget(call.target);
  if (!target.ok) return target;
  const question = parseForwardQuestion(target.value.question);
  if (!question.ok) return question;
  const { resource, rest } = target.value;
  const forwarded = parseForwardedRequest({ method: call.method, rest, header: call.header });
  if (!forwarded.ok) return forwarded;
  const { method } = forwarded.value;
  const header = countingHeaders(call, {
    ...question.value,
    apiKeyHeader: question.value.apiKeyHeader ?? apiKeyHeader,
  });
  const original = { method, header, address: call.address };
  return ok({ resource, question: question.value, original });
}

/** Under this name whoever decides reads an API key, which stands in the header that the proxy's operator has named. */
export const API_KEY_HEADER = 'x-api-key';

/** The host of the call is the server's own and not the one that a page asked, so that it proves nothing of a page. */
const countingHeaders =
  ({ header }: ForwardAuthCall, { readsCookie, apiKeyHeader }: ForwardQuestion): RequestLike['header'] =>
  (name) => {
    if (name === 'host' || (name === 'cookie' && !readsCookie)) return undefined;
    if (name !== API_KEY_HEADER) return header(name);
    return apiKeyHeader === undefined ? undefined : header(apiKeyHeader);
  };

/** Whether a request only asks, for a page of another origin, what it would be allowed to send. @spec Fetch §3.2.2 */
const isPreflight = ({ method, header }: RequestLike): boolean =>
  method === 'OPTIONS' && header('origin') !== undefined && header('access-control-request-method') !== undefined;

/** Decides whether a request may pass, and says whose it is. */
export async function answerForwardAuth(
  { question, original }: ForwardAuthRequest,
  authority: ForwardAuthority,
): Promise<ForwardAuthAnswer> {
  if (question.passesPreflight && isPreflight(original)) return { status: 200, headers: OF_NOBODY, body: undefined };
  if (!question.takesTestKeys && bringsTestKey(original))
    return authority.reject('api_key_not_accepted', question.asked);
  const result = await authority.authenticate(original, question.asked);
  if (!result.ok) return result.error;
  return { status: 200, headers: headersOf(result.value, question, authority), body: undefined };
}

/** A key for tests is none where it is not said that it is one. */
function bringsTestKey(request: RequestLike): boolean {
  const presented = presentedToken(request, true, API_KEY_HEADER);
  const key = presented.ok ? parseApiKey(presented.value) : undefined;
  return key?.ok === true && key.value.environment === 'test';
}

const OF_NOBODY = { 'cache-control': 'no-store' };

/** The headers that a proxy hands on. By default one, which whoever reads it can check. */
function headersOf(
  { claims, scope, roles }: Access,
  { tellsIdentity }: ForwardQuestion,
  { assertor, signer }: ForwardAuthority,
): Readonly<Record<string, string>> {
  const assertion = encodeForwardAssertion(forwardAssertionOf(claims, assertor()), signer);
  return {
    'cache-control': 'no-store',
    'x-latchkey-assertion': assertion,
    ...(tellsIdentity
      ? {
          'x-latchkey-subject': headerSafe(claims.sub),
          'x-latchkey-client': headerSafe(claims.client_id),
          // told even when they are empty, so that no header of the client's own is left in their place
          'x-latchkey-scope': scope.map(headerSafe).join(' '),
          'x-latchkey-roles': roles.map(headerSafe).join(' '),
        }
      : {}),
  };
}

/** A name as a header can hold it: what is not plain, or would separate two names, is encoded as in a URL. */
const headerSafe = (name: string): string =>
  name.toWellFormed().replace(/[^!#$&'*+\-./0-9:=@A-Z^_`a-z|~]/gu, (character) => encodeURIComponent(character));
