import { LIMITS } from '@latchkey/protocol/limits';
import type { EpochSeconds } from '@latchkey/protocol/types';
import { damaged } from '@latchkey/testkit/arbitraries/text';
import fc from 'fast-check';
import { beforeAll, expect, test } from 'vitest';
import { generateSigningKey } from '../keys/generate.ts';
import type { KeySet } from '../keys/key-set.ts';
import { importNodeKeySet, importSigner } from '../keys/node-crypto.ts';
import type { Signer } from '../keys/signer.ts';
import { decodeUnverified, encodeAccessToken } from './access-token-jwt.ts';
import { signCompact } from './compact.ts';
import { createStatusList, encodeStatusList } from './status-list.ts';
import { decodeStatusListToken, encodeStatusListToken, type StatusListToken } from './status-list-token.ts';

const uri = 'https://as.example/status-lists/1';
const NOW = 1_000_000 as EpochSeconds;
const at = (offset: number) => (NOW + offset) as EpochSeconds;
const list = createStatusList(1, 64, [[3, 1]]);
const whole: StatusListToken = { uri, iat: NOW, exp: at(600), ttl: 30, list };
let signer: Signer;
let stranger: Signer;
let keys: KeySet;

beforeAll(async () => {
  const [ours, theirs] = await Promise.all([generateSigningKey('ES256'), generateSigningKey('ES256')]);
  const set = importNodeKeySet({ keys: [ours.jwk] });
  if (set === undefined) throw new Error('no keys');
  keys = set;
  signer = importSigner('ES256', ours.jwk.kid, ours.pkcs8);
  stranger = importSigner('ES256', theirs.jwk.kid, theirs.pkcs8);
});

const answer = async (token: string, now = NOW) => {
  const decoded = await decodeStatusListToken(token, keys, { uri, leewaySeconds: 30 }, now);
  return decoded.ok ? decoded.value : decoded.error;
};
const claims = () => ({ sub: uri, iat: NOW, exp: at(600), ttl: 30, status_list: encodeStatusList(list) });
const forged = (change: object, typ = 'statuslist+jwt') => answer(signCompact(typ, { ...claims(), ...change }, signer));

test('TSL-02 TSL §5.1: a status list token has its type, its place, its times and its list', async () => {
  const token = encodeStatusListToken(whole, signer);
  expect(decodeUnverified(token)).toEqual({
    unverified: true,
    header: { typ: 'statuslist+jwt', alg: 'ES256', kid: signer.kid },
    claims: claims(),
  });
  expect(await answer(token)).toEqual(whole);
  expect(await forged({}, 'application/statuslist+jwt')).toEqual(whole);
});

test('TSL-02: exp and ttl may be missing', async () => {
  const token = encodeStatusListToken({ ...whole, exp: undefined, ttl: undefined }, signer);
  expect(Object.keys(decodeUnverified(token)?.claims ?? {})).toEqual(['sub', 'iat', 'status_list']);
  expect(await answer(token)).toEqual({ ...whole, exp: undefined, ttl: undefined });
});

test.each(['https://as.example/status-lists/2', `${uri}/`, uri.toUpperCase(), undefined, 1])(
  'TSL-03 TSL §8.3: a list that calls itself %s is another one',
  async (sub) => expect(await forged({ sub })).toBe('token_claims_invalid'),
);

test('TSL-15 TSL §11.3: a list that somebody else has signed is not believed, whatever key it names', async () => {
  expect(await answer(encodeStatusListToken(whole, stranger))).toBe('token_key_unknown');
  expect(await answer(encodeStatusListToken(whole, { ...stranger, kid: signer.kid }))).toBe('token_signature_invalid');
  expect(await answer(encodeStatusListToken(whole, { ...signer, alg: 'RS256' }))).toBe('token_algorithm_refused');
});

test('a token of another kind, or of none, is no list', async () => {
  expect(await forged({}, 'at+jwt')).toBe('token_type_wrong');
  expect(await forged({}, 'JWT')).toBe('token_type_wrong');
  const typeless = signCompact('x', claims(), signer).replace(
    /^[^.]+/,
    Buffer.from(JSON.stringify({ alg: 'ES256', kid: signer.kid })).toString('base64url'),
  );
  expect(await answer(typeless)).toBe('token_type_wrong');
  expect(await answer('')).toBe('token_malformed');
  const noObject = signCompact('statuslist+jwt', [], signer);
  expect(await answer(noObject)).toBe('token_malformed');
  expect(await answer(encodeAccessToken({ ...claims() } as never, signer))).toBe('token_type_wrong');
});

test.each([
  { iat: undefined },
  { iat: '1' },
  { iat: -1 },
  { exp: null },
  { exp: 'x' },
  { ttl: 0 },
  { ttl: -30 },
  { ttl: '30' },
  { ttl: null },
  { status_list: undefined },
  { status_list: { bits: 3, lst: 'eNrbuRgAAhcBXQ' } },
])('TSL-02, TSL-04, TSL-10: a list with %j is refused', async (change) => {
  expect(await forged(change)).toBe('token_claims_invalid');
});

test('TSL-09 TSL §13.7: a list has an end without leeway, and a beginning with it', async () => {
  const token = encodeStatusListToken(whole, signer);
  const seen: unknown[] = [];
  for (const now of [-31, -30, 599, 600, 601]) {
    const read = await answer(token, at(now));
    seen.push(typeof read === 'string' ? read : 'ok');
  }
  expect(seen).toEqual(['token_not_yet_valid', 'ok', 'ok', 'token_expired', 'token_expired']);
});

test('TSL-13: a list may be larger than a token of a request, and has an end too', async () => {
  const token = encodeStatusListToken(whole, signer);
  const long = `${token.slice(0, token.lastIndexOf('.'))}${'A'.repeat(LIMITS.statusListTokenMax)}`;
  const parts = (length: number) => answer(long.slice(0, length));
  const max = LIMITS.statusListTokenMax;
  expect([await parts(max), await parts(max + 1)]).toEqual(['token_malformed', 'token_too_large']);
  let seed = 1;
  const random = () => {
    seed = (seed * 48_271) % 2_147_483_647;
    return seed & 1;
  };
  const large = createStatusList(
    1,
    2 ** 18,
    Array.from({ length: 2 ** 18 }, (_, index) => [index, random()] as const),
  );
  const text = encodeStatusListToken({ ...whole, list: large }, signer);
  expect(text.length).toBeGreaterThan(LIMITS.tokenMax);
  expect(await answer(text)).toEqual({ ...whole, list: large });
});

test('a list that was damaged is refused, and nothing is thrown', async () => {
  const token = encodeStatusListToken(whole, signer);
  await fc.assert(
    fc.asyncProperty(damaged(fc.constant(token)), async (text) => {
      if (text !== token) expect(typeof (await answer(text))).toBe('string');
    }),
  );
});
