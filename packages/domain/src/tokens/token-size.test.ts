import { LIMITS } from '@latchkey/protocol/limits';
import * as row from '@latchkey/testkit/conformance/rows';
import { expect, test } from 'vitest';
import type { Resource } from '../clients/resource.ts';
import type { AccessGrant } from './access-grant.ts';
import { accessTokenClaims } from './access-token-claims.ts';
import { claimsAt, STATUS_LIST_SIZE } from './status-place.ts';
import type { StatusPlace } from './token-record.ts';
import { encryptedTokenBytes, excessOf, signedTokenBytes } from './token-size.ts';

const ISSUER = 'https://id.example';
const grant = (change: Partial<AccessGrant> = {}, resource: Partial<Resource> = {}): AccessGrant => ({
  subject: row.idOf('acc', 1),
  clientId: row.idOf('cli', 1),
  resource: row.resource(1, { accessTokenBytes: LIMITS.accessTokenBytesMin, ...resource }),
  scope: [],
  roles: [],
  permissions: [],
  tenant: undefined,
  custom: {},
  issuedAt: row.after(0),
  pos: { epoch: 1, seq: 2 },
  cnf: undefined,
  person: undefined,
  apiKey: undefined,
  ...change,
});
const filled = (length: number) => ({ custom: { plan: 'x'.repeat(length) } });

test('a token one byte longer than its resource allows is refused, and one of just that length is not', () => {
  const fits = Array.from({ length: 400 }, (_, length) => excessOf(grant(filled(length)), ISSUER));
  const first = fits.findIndex((excess) => excess !== undefined);
  expect(first).toBeGreaterThan(0);
  const bytes = Number(/have (\d+) bytes/.exec(fits[first] ?? '')?.[1]);
  // three bytes of claims are four of base64url, so that one more character is one or two
  expect([LIMITS.accessTokenBytesMin + 1, LIMITS.accessTokenBytesMin + 2]).toContain(bytes);
  const exactly = grant(filled(first), { accessTokenBytes: bytes });
  const lacking = grant(filled(first), { accessTokenBytes: bytes - 1 });
  expect([excessOf(exactly, ISSUER), excessOf(lacking, ISSUER)]).toEqual([
    undefined,
    expect.stringContaining('client_id'),
  ]);
});

test('the three largest claims are named with their bytes, and no value is', () => {
  const large = grant({
    custom: { plan: 'ü'.repeat(300), small: 1 },
    permissions: ['a'.repeat(100)],
    roles: ['clerk'],
  });
  const excess = excessOf(large, ISSUER);
  expect(excess).toMatch(
    /^It would have \d+ bytes where 512 may be; the largest claims: plan 609, permissions 118, client_id 44\.$/,
  );
});

test.each([
  ['an RSA key', { kty: 'RSA', alg: 'RSA-OAEP-256', kid: 'k', n: 'n'.repeat(342), e: 'AQAB', use: 'enc' }, 1_104],
  ['a key of P-256', { kty: 'EC', alg: 'ECDH-ES+A256KW', kid: 'k', crv: 'P-256', use: 'enc' }, 996],
  ['a key of X25519', { kty: 'OKP', alg: 'ECDH-ES+A256KW', kid: 'k', crv: 'X25519', use: 'enc' }, 932],
] as const)('a token that is encrypted to %s is longer by what that adds', (_, encryptionKey, bytes) => {
  expect(excessOf(grant({}, { format: 'jwe', encryptionKey }), ISSUER)).toContain(`would have ${bytes} bytes`);
});

test('TSL §6.1: a place in a status list counts as the longest that there is, to the byte', () => {
  const wide = grant({}, { hasStatusList: true, accessTokenBytes: LIMITS.accessTokenBytesMax });
  const lengthAt = (place: StatusPlace) =>
    signedTokenBytes(claimsAt(place, accessTokenClaims(wide, ISSUER, row.idOf('tok', 1))), wide.resource);
  const longest = lengthAt({ list: 999_999, index: STATUS_LIST_SIZE - 1 });
  const limited = (accessTokenBytes: number, hasStatusList: boolean) =>
    excessOf(grant({}, { hasStatusList, accessTokenBytes }), ISSUER);
  expect(limited(longest, true)).toBeUndefined();
  expect(limited(longest - 1, true)).toContain(`would have ${longest} bytes`);
  expect(limited(longest - 1, false)).toBeUndefined();
  expect(limited(longest - 1, true)).toContain('status 8');
  const places = [0, 9, 99_999, STATUS_LIST_SIZE - 1].flatMap((index) => [1, 65_536].map((list) => ({ list, index })));
  expect(places.every((place) => lengthAt(place) <= longest)).toBe(true);
});

test('the text of an opaque token is always as long', () => {
  expect(excessOf(grant(filled(20_000), { format: 'opaque' }), ISSUER)).toBeUndefined();
});

test('an encrypted token is measured as it is sent', () => {
  const key = { kid: 'k', alg: 'ECDH-ES+A256KW', use: 'enc' } as const;
  const sizes = [
    encryptedTokenBytes(600, { ...key, kty: 'EC', crv: 'P-256' }),
    encryptedTokenBytes(600, { ...key, kty: 'OKP', crv: 'X25519' }),
    encryptedTokenBytes(600, { ...key, alg: 'RSA-OAEP-256', kty: 'RSA', n: 'x'.repeat(342) }),
    encryptedTokenBytes(600, { ...key, alg: 'RSA-OAEP-256', kty: 'RSA' }),
  ];
  expect(sizes.every((size) => size > 800 && size < 1_400)).toBe(true);
  const encryptionKey = { ...key, kty: 'EC', crv: 'P-256' } as const;
  expect(excessOf(grant(filled(600), { format: 'jwe', encryptionKey, accessTokenBytes: 900 }), ISSUER)).toContain(
    'where 900 may be',
  );
});
