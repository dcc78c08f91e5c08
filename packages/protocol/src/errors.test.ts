import { expect, test } from 'vitest';
import { ERRORS, type ErrorId, errorRow } from './errors.ts';

const ids = Object.keys(ERRORS) as ErrorId[];

test('ENV-08 RFC 6749 §5.2: codes and descriptions are of characters that fit every header and body', () => {
  for (const id of ids) {
    const { code, description } = errorRow(id);
    expect([id, code]).toEqual([id, expect.stringMatching(/^[a-z_]+$/)]);
    expect([id, description]).toEqual([id, expect.stringMatching(/^[ !#-[\]-~]+$/)]);
  }
});

test('ERR-05 RFC 6749 §5.2: each code of the token endpoint has its one status', () => {
  const statuses = {
    invalid_grant: [400],
    unauthorized_client: [400],
    unsupported_grant_type: [400],
    invalid_scope: [400],
  };
  for (const [code, expected] of Object.entries(statuses)) {
    const found = new Set(
      ids
        .map(errorRow)
        .filter((row) => row.code === code)
        .map(({ status }) => status),
    );
    expect([code, [...found]]).toEqual([code, expected]);
  }
});

test('whatever is refused of a refresh token for what it is, the answer is the same, and tells no more', () => {
  const hidden = ['refresh_token_unknown', 'refresh_token_reused', 'refresh_token_of_other_client'] as const;
  for (const id of [...hidden, 'refresh_token_wrong_delivery', 'refresh_token_newer_than_store'] as const)
    expect(errorRow(id)).toMatchObject({ status: 400, code: 'invalid_grant', disclose: false });
});

test('api_key_quota_exhausted, api_key_rate_limited: a key that was used too often is told so, and is not called invalid', () => {
  for (const id of ['api_key_quota_exhausted', 'api_key_rate_limited'] as const)
    expect(errorRow(id)).toMatchObject({ status: 429, code: 'temporarily_unavailable', disclose: true });
});
