import { bearerChallenge } from '@latchkey/protocol/bearer';
import { type ErrorId, errorRow } from '@latchkey/protocol/errors';
import type { Requirements } from './guards.ts';
import type { LimitStanding } from './rate-limit-headers.ts';

/** An answer that refuses a request, ready to be sent. */
export interface Rejection {
  readonly error: ErrorId;
  /** The id under which `latchkey token explain` knows more. */
  readonly errorId: string;
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** To be sent as JSON. All of it is ASCII. */
  readonly body: Readonly<Record<string, string>>;
}

/**
 * Words a refusal. The challenge says what is missing, where that helps; a request without any token gets no error.
 *
 * @spec RFC 6750 §3, §3.1; RFC 9470 §3
 */
export function rejectionOf(
  error: ErrorId,
  errorId: string,
  realm: string,
  asked: Requirements,
  limits?: LimitStanding,
): Rejection {
  const row = errorRow(error);
  const headers: Record<string, string> = {
    'content-type': 'application/json',
    'cache-control': 'no-store',
    ...limits?.headers,
  };
  if (
    row.status === 401 ||
    error === 'scope_insufficient' ||
    error === 'role_insufficient' ||
    error === 'permission_insufficient' ||
    error === 'authorization_malformed'
  ) {
    const isScope = error === 'scope_insufficient' || error === 'access_token_missing';
    const isFreshness = error === 'authentication_too_old';
    headers['www-authenticate'] = bearerChallenge(error, {
      realm,
      errorId,
      ...(isScope && asked.scope !== undefined ? { scope: asked.scope } : {}),
      ...(isFreshness && asked.acrValues !== undefined ? { acrValues: asked.acrValues } : {}),
      ...(isFreshness && asked.maxAgeSeconds !== undefined ? { maxAgeSeconds: asked.maxAgeSeconds } : {}),
    });
  }
  if (row.status === 503 || row.status === 429)
    headers['retry-after'] = String(row.status === 429 ? (limits?.retryAfterSeconds ?? 1) : 1);
  const description: Readonly<Record<string, string>> = row.disclose ? { error_description: row.description } : {};
  return { error, errorId, status: row.status, headers, body: { error: row.code, ...description, error_id: errorId } };
}
