import { ERRORS, type ErrorId } from '@latchkey/protocol/errors';
import { describe, expect, test } from 'vitest';
import { rejectionOf } from './challenge.ts';
import type { Requirements } from './guards.ts';

const REALM = 'https://api.example';
const asked: Requirements = { scope: ['a', 'b'], roles: ['clerk'], maxAgeSeconds: 60, acrValues: ['mfa', 'hwk'] };
const refused = (error: ErrorId, of: Requirements = asked) => rejectionOf(error, 'v1-2a', REALM, of);
const id = 'error_id="v1-2a"';

describe('ERR-11 RFC 6750 §3.1: status, code and challenge of each refusal', () => {
  const table: readonly (readonly [ErrorId, number, string | undefined])[] = [
    ['access_token_missing', 401, `Bearer realm="${REALM}", scope="a b", ${id}`],
    [
      'authorization_malformed',
      400,
      `Bearer realm="${REALM}", error="invalid_request", error_description="The Authorization header cannot be read, or there is more than one credential.", ${id}`,
    ],
    [
      'token_expired',
      401,
      `Bearer realm="${REALM}", error="invalid_token", error_description="The access token has expired.", ${id}`,
    ],
    ['token_malformed', 401, `Bearer realm="${REALM}", error="invalid_token", ${id}`],
    ['token_too_large', 401, `Bearer realm="${REALM}", error="invalid_token", ${id}`],
    ['token_signature_invalid', 401, `Bearer realm="${REALM}", error="invalid_token", ${id}`],
    ['token_key_unknown', 401, `Bearer realm="${REALM}", error="invalid_token", ${id}`],
    ['token_key_revoked', 401, `Bearer realm="${REALM}", error="invalid_token", ${id}`],
    ['token_revoked', 401, `Bearer realm="${REALM}", error="invalid_token", ${id}`],
    ['token_sender_unproved', 401, `Bearer realm="${REALM}", error="invalid_token", ${id}`],
    [
      'scope_insufficient',
      403,
      `Bearer realm="${REALM}", error="insufficient_scope", error_description="The token lacks a scope that this needs.", scope="a b", ${id}`,
    ],
    [
      'role_insufficient',
      403,
      `Bearer realm="${REALM}", error="insufficient_scope", error_description="The subject lacks a role that this needs.", ${id}`,
    ],
    [
      'permission_insufficient',
      403,
      `Bearer realm="${REALM}", error="insufficient_scope", error_description="The roles of the subject lack a permission that this needs.", ${id}`,
    ],
    [
      'authentication_too_old',
      401,
      `Bearer realm="${REALM}", error="insufficient_user_authentication", error_description="The person signed in too long ago, or not strongly enough.", acr_values="mfa hwk", max_age="60", ${id}`,
    ],
    ['csrf_cookie_refused', 403, undefined],
    ['verifier_stale', 503, undefined],
    ['keys_unavailable', 503, undefined],
  ];
  test.each(table)('%s', (error, status, challenge) => {
    const row = ERRORS[error];
    expect(refused(error)).toEqual({
      error,
      errorId: 'v1-2a',
      status,
      headers: {
        'content-type': 'application/json',
        'cache-control': 'no-store',
        ...(challenge === undefined ? {} : { 'www-authenticate': challenge }),
        ...(status === 503 ? { 'retry-after': '1' } : {}),
      },
      body: {
        error: row.code,
        ...(row.disclose ? { error_description: row.description } : {}),
        error_id: 'v1-2a',
      },
    });
  });
});

test('RSV-10 RFC 9470 §3: only what the route asks for stands in the challenge', () => {
  const challenge = (of: Requirements) => refused('authentication_too_old', of).headers['www-authenticate'];
  const start = `Bearer realm="${REALM}", error="insufficient_user_authentication", error_description="${ERRORS.authentication_too_old.description}"`;
  expect(challenge({ maxAgeSeconds: 0 })).toBe(`${start}, max_age="0", ${id}`);
  expect(challenge({ acrValues: ['mfa'] })).toBe(`${start}, acr_values="mfa", ${id}`);
});

test('a route that asks for no scope names none', () => {
  expect(refused('access_token_missing', {}).headers['www-authenticate']).toBe(`Bearer realm="${REALM}", ${id}`);
});

test('RSV-07 RFC 6750 §3: nothing that is put into a challenge can end its quotes or its line', () => {
  const hostile = '"\\\r\nx-evil: 1\u0000\u00fc\u{1F511}';
  const { headers } = rejectionOf('access_token_missing', hostile, hostile, { scope: [hostile] });
  expect(headers['www-authenticate']).toBe('Bearer realm="x-evil: 1", scope="x-evil: 1", error_id="x-evil: 1"');
  const old = rejectionOf('authentication_too_old', 'v1-1', REALM, { acrValues: [hostile, 'mfa'] });
  expect(old.headers['www-authenticate']).toContain('acr_values="x-evil: 1 mfa"');
  for (const { description } of Object.values(ERRORS)) expect(description).toMatch(/^[\x20\x21\x23-\x5B\x5D-\x7E]+$/);
});
