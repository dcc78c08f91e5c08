import { createHmac } from 'node:crypto';
import { idText } from '@latchkey/protocol/ids';
import type { FamilyId } from '@latchkey/protocol/types';
import { hostileText } from '@latchkey/testkit/arbitraries/text';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  decodeRefreshToken,
  encodeRefreshToken,
  REFRESH_TOKEN_PREFIX,
  SEED_BYTES,
  seedMatches,
} from './refresh-token.ts';

const seed = new Uint8Array(16).fill(7);
const macKey = new Uint8Array(32).fill(9);
const familyId: FamilyId = idText('fam', new Uint8Array(16).fill(1));
const parts = { keyId: 3, familyId, generation: 5 };
const keyOf = (id: number) => (id === 3 ? macKey : undefined);
const token = encodeRefreshToken(parts, seed, macKey);

test('RT-03: the same generation is always the same text, and another one never', () => {
  expect(encodeRefreshToken(parts, seed, macKey)).toBe(token);
  expect(encodeRefreshToken({ ...parts, generation: 6 }, seed, macKey)).not.toBe(token);
  expect(token).toMatch(/^lk_rt_[A-Za-z0-9_-]{79}$/);
});

test('what is encoded is decoded, for every family and generation', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 16, maxLength: 16 }), fc.nat(2 ** 31), fc.maxSafeNat(), (id, keyId, big) => {
      const given = { keyId, familyId: idText('fam', id), generation: big % 2 ** 48 };
      const decoded = decodeRefreshToken(encodeRefreshToken(given, seed, macKey), () => macKey);
      expect(
        decoded.ok && {
          keyId: decoded.value.keyId,
          familyId: decoded.value.familyId,
          generation: decoded.value.generation,
        },
      ).toEqual(given);
      expect(decoded.ok && seedMatches(decoded.value, seed)).toBe(true);
    }),
  );
});

test('RT-15: no character of it can be changed, left out or added', () => {
  for (let index = 0; index < token.length; index++) {
    const other = token[index] === 'A' ? 'B' : 'A';
    const decoded = decodeRefreshToken(token.slice(0, index) + other + token.slice(index + 1), () => macKey);
    expect(decoded).toEqual({ ok: false, error: 'refresh_token_malformed' });
  }
  for (const text of [
    '',
    token.slice(1),
    token.slice(0, -1),
    `${token}A`,
    `${token} `,
    'x'.repeat(100_000),
    token.toUpperCase(),
  ])
    expect(decodeRefreshToken(text, () => macKey)).toEqual({ ok: false, error: 'refresh_token_malformed' });
});

test('RT-15: a token under a key that is gone is refused, and one under the wrong key too', () => {
  expect(decodeRefreshToken(token, () => undefined)).toEqual({ ok: false, error: 'refresh_token_key_unknown' });
  expect(decodeRefreshToken(token, () => new Uint8Array(32))).toEqual({ ok: false, error: 'refresh_token_malformed' });
});

test('I4: the key of the server alone makes no token, since the seed is missing', () => {
  const forged = decodeRefreshToken(encodeRefreshToken(parts, new Uint8Array(16), macKey), keyOf);
  expect(forged.ok && seedMatches(forged.value, seed)).toBe(false);
});

test('RT-15: a version that is not known is refused, though its MAC is good', () => {
  const bytes = Buffer.from(token.slice(REFRESH_TOKEN_PREFIX.length), 'base64url');
  const withVersion = (version: number) => {
    const signed = Buffer.concat([Buffer.of(version), bytes.subarray(1, 43)]);
    const mac = createHmac('sha256', macKey).update(signed).digest().subarray(0, 16);
    return decodeRefreshToken(REFRESH_TOKEN_PREFIX + Buffer.concat([signed, mac]).toString('base64url'), keyOf);
  };
  expect([0, 1, 2].map((version) => withVersion(version).ok)).toEqual([false, true, false]);
});

test('RT-15: whatever the text, the answer is a refusal, and no key is asked for what is no token', () => {
  const asked: number[] = [];
  fc.assert(
    fc.property(
      fc.oneof(
        hostileText,
        hostileText.map((some) => REFRESH_TOKEN_PREFIX + some),
      ),
      (text) => {
        expect(decodeRefreshToken(text, (id) => void asked.push(id)).ok).toBe(false);
      },
    ),
  );
  expect(asked).toEqual([]);
});

test('NUM-11: seed and both MACs have 128 bits, and each bit of them counts', () => {
  expect(SEED_BYTES * 8).toBe(128);
  const bytes = Buffer.from(token.slice(REFRESH_TOKEN_PREFIX.length), 'base64url');
  expect(bytes.length - (1 + 4 + 16 + 6)).toBe(2 * 16);
  for (let bit = 0; bit < 128; bit++) {
    const other = seed.with(bit >> 3, 7 ^ (1 << (bit & 7)));
    const decoded = decodeRefreshToken(encodeRefreshToken(parts, other, macKey), keyOf);
    expect(decoded.ok && seedMatches(decoded.value, seed)).toBe(false);
    const changed = Buffer.from(bytes);
    changed.writeUInt8(changed.readUInt8(43 + (bit >> 3)) ^ (1 << (bit & 7)), 43 + (bit >> 3));
    expect(decodeRefreshToken(REFRESH_TOKEN_PREFIX + changed.toString('base64url'), keyOf).ok).toBe(false);
  }
});
