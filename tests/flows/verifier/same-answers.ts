import { expect } from 'vitest';
import type { Asked, Got } from './frameworks.ts';

/** What the requests of the table bring: credentials of one world, by what is wrong with them. */
export interface Given {
  /** The `aud` of the API, which its challenges name as the realm. */
  readonly audience: string;
  readonly subject: string;
  /** Good, with the scope `read` and no role. */
  readonly token: string;
  readonly expired: string;
  /** With a signature that does not fit. */
  readonly forged: string;
}

/** What whoever answers has to answer, wherever it stands; error ids and what a server adds of its own left out. */
export interface Answered {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly body: string;
}

/** A request that is refused: its name, what is asked, and the answer. */
export type RefusedCase = readonly [string, (given: Given) => Asked, (given: Given) => Answered];

export const bearer = (of: string, scheme = 'Bearer'): readonly string[] => ['authorization', `${scheme} ${of}`];

/** What a server adds of its own, whatever the app says. */
const OF_THE_SERVER = ['date', 'connection', 'keep-alive', 'x-powered-by', 'etag', 'transfer-encoding'];

/** An answer without what differs from request to request and from server to server. */
export function plain({ status, headers, body }: Got): Answered {
  const kept = Object.entries(headers).filter(([name]) => !OF_THE_SERVER.includes(name));
  const named = (text: string) => text.replaceAll(/(error_id"?[=:]")[^"]+"/g, '$1ID"');
  return { status, headers: Object.fromEntries(kept.map(([name, value]) => [name, named(value)])), body: named(body) };
}

/** A refusal as the verifier words it. */
export const refusal =
  (status: number, challenge: string | undefined, body: object) =>
  ({ audience }: Given): Answered => ({
    status,
    headers: {
      'content-type': 'application/json',
      'cache-control': 'no-store',
      'content-length': expect.any(String),
      ...(challenge === undefined
        ? {}
        : { 'www-authenticate': `Bearer realm="${audience}", ${challenge}error_id="ID"` }),
    },
    body: JSON.stringify({ ...body, error_id: 'ID' }),
  });

/** A refusal that says why. */
export const told = (status: number, error: string, error_description: string, more = '') =>
  refusal(status, `error="${error}", error_description="${error_description}", ${more}`, { error, error_description });

const missingFor = (challenge: string) =>
  refusal(401, challenge, { error: 'invalid_token', error_description: 'The request carries no access token.' });
export const missing = missingFor('scope="read", ');
export const invalid = refusal(401, 'error="invalid_token", ', { error: 'invalid_token' });
export const malformed = told(
  400,
  'invalid_request',
  'The Authorization header cannot be read, or there is more than one credential.',
);
export const expired = told(401, 'invalid_token', 'The access token has expired.');
export const lacksScope = told(
  403,
  'insufficient_scope',
  'The token lacks a scope that this needs.',
  'scope="read admin", ',
);
export const lacksRole = told(403, 'insufficient_scope', 'The subject lacks a role that this needs.');
export const lacksPermission = told(
  403,
  'insufficient_scope',
  'The roles of the subject lack a permission that this needs.',
);
export const tooWeak = told(
  401,
  'insufficient_user_authentication',
  'The person signed in too long ago, or not strongly enough.',
  'acr_values="mfa", max_age="60", ',
);

const at = (path: string, ...headers: readonly string[]): Asked => ({ path, headers });
const things = (...headers: readonly string[]) => at('/things', ...headers);

/** Requests that are refused in the same words wherever they are asked. */
export const REFUSED: readonly RefusedCase[] = [
  ['RSV-01 RFC 6750 §3.1: no credentials', () => things(), missing],
  ['another scheme is no token', () => things('authorization', 'Basic YTpi'), missing],
  ['a scheme of any token', () => things('authorization', 'AWS4-HMAC-SHA256 a=b'), missing],
  ['RSV-02 RFC 6750 §3.1: an expired token', ({ expired }) => things(...bearer(expired)), expired],
  ['a token that is none', () => things(...bearer('x')), invalid],
  ['a signature that does not fit', ({ forged }) => things(...bearer(forged)), invalid],
  [
    'RSV-04 RFC 6750 §3.1: two Authorization headers',
    ({ token }) => things(...bearer(token), ...bearer(token)),
    malformed,
  ],
  [
    'RSV-04: a token beside another scheme',
    ({ token }) => things('authorization', 'Basic YTpi', ...bearer(token)),
    malformed,
  ],
  [
    'RSV-04: another scheme beside a token',
    ({ token }) => things(...bearer(token), 'authorization', 'Basic YTpi'),
    malformed,
  ],
  [
    'RSV-05 RFC 9700 §4.3.2: a token in the query is not looked at',
    ({ token }) => at(`/things?access_token=${token}`),
    missing,
  ],
  [
    'RSV-05: a token in a form is not looked at',
    ({ token }) => ({
      path: '/things',
      method: 'POST',
      headers: ['content-type', 'application/x-www-form-urlencoded'],
      body: `access_token=${token}`,
    }),
    missing,
  ],
  ['RSV-06 RFC 6750 §2.1: a scheme without a token', () => things('authorization', 'Bearer'), malformed],
  ['RSV-06: a scheme and spaces', () => things('authorization', 'Bearer   '), malformed],
  ['RSV-06: no b64token', () => things(...bearer('a,b')), malformed],
  ['RSV-06: two tokens', () => things(...bearer('a b')), malformed],
  ['GHSA-xmf8-cvqr-rfgj: an encoded space', () => things('authorization', 'bearer%20x'), missing],
  ['characters that are no ASCII', () => things('authorization', 'Bearer t\u00f6ken'), malformed],
  ['an empty header', () => things('authorization', ''), malformed],
  [
    'RSV-03 RFC 6750 §3.1: a scope that is missing; all that are needed are named',
    ({ token }) => at('/secret', ...bearer(token)),
    lacksScope,
  ],
  ['role_insufficient: a role that is missing', ({ token }) => at('/office', ...bearer(token)), lacksRole],
  [
    'RSV-10 RFC 9470 §3: authentication_too_old: a login that is too weak',
    ({ token }) => at('/recent', ...bearer(token)),
    tooWeak,
  ],
  ['RSV-17: OPTIONS that is no preflight needs a token', () => ({ path: '/things', method: 'OPTIONS' }), missing],
];
