import type { ErrorId } from './errors.ts';
import { errorRow } from './errors.ts';
import { fail, ok, type Result } from './result.ts';
import { formatScope, type Scope } from './scope.ts';

/** The name of any scheme is a token, as in `AWS4-HMAC-SHA256`. */
const CREDENTIALS = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+(?: +(.*))?$/;
const OF_BEARER = /^bearer(?: |$)/i;
/** Headers of one name arrive joined with commas. */
const SECOND_BEARER = /, *bearer /i;
const B64TOKEN = /^[A-Za-z0-9\-._~+/]+=*$/;

/**
 * Reads the value of an `Authorization` header that should carry an access token; undefined when there is none, or
 * when it is of another scheme. A token beside other credentials is malformed: it is not ours to choose between them.
 *
 * @returns `authorization_malformed`
 * @spec RFC 6750 §2.1, §3.1; RFC 9110 §11.1 (the scheme is a token, and case-insensitive)
 */
export function parseBearer(header: string | undefined): Result<string | undefined, ErrorId> {
  if (header === undefined) return ok(undefined);
  const parts = CREDENTIALS.exec(header);
  if (parts === null) return fail('authorization_malformed');
  if (!OF_BEARER.test(header)) return SECOND_BEARER.test(header) ? fail('authorization_malformed') : ok(undefined);
  const token = parts[1];
  return token !== undefined && B64TOKEN.test(token) ? ok(token) : fail('authorization_malformed');
}

/** What a challenge may add to its error. */
export interface ChallengeDetails {
  readonly realm: string;
  readonly scope?: Scope;
  readonly acrValues?: readonly string[];
  readonly maxAgeSeconds?: number;
  /** The id under which the refusal can be explained. */
  readonly errorId?: string;
}

const quotable = (text: string): string => text.replace(/[^\x20\x21\x23-\x5B\x5D-\x7E]/g, '');

/**
 * The `WWW-Authenticate` value for a refusal. A request without any credentials gets no error code, only the scheme.
 *
 * @spec RFC 6750 §3 and §3.1, RFC 9470 §3
 */
export function bearerChallenge(error: ErrorId, details: ChallengeDetails): string {
  const parameters: [string, string][] = [['realm', details.realm]];
  const row = errorRow(error);
  if (error !== 'access_token_missing') {
    parameters.push(['error', row.code]);
    if (row.disclose) parameters.push(['error_description', row.description]);
  }
  if (details.scope !== undefined && details.scope.length > 0) parameters.push(['scope', formatScope(details.scope)]);
  if (details.acrValues !== undefined) parameters.push(['acr_values', details.acrValues.join(' ')]);
  if (details.maxAgeSeconds !== undefined) parameters.push(['max_age', String(details.maxAgeSeconds)]);
  if (details.errorId !== undefined) parameters.push(['error_id', details.errorId]);
  return `Bearer ${parameters.map(([name, value]) => `${name}="${quotable(value)}"`).join(', ')}`;
}
