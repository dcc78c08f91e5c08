import { createHash, createHmac } from 'node:crypto';
import { idText } from '@latchkey/protocol/ids';
import { hostileText } from '@latchkey/testkit/arbitraries/text';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  decodeOpaqueToken,
  encodeOpaqueToken,
  OPAQUE_RANDOM_BYTES,
  OPAQUE_TOKEN_PREFIX,
  opaqueHandle,
} from './opaque-token.ts';
import { decodeRefreshToken, encodeRefreshToken, REFRESH_TOKEN_PREFIX } from './refresh-token.ts';

const macKey = new Uint8Array(32).fill(9);
const random = new Uint8Array(OPAQUE_RANDOM_BYTES).fill(7);
const token = encodeOpaqueToken({ keyId: 3, random }, macKey);
const malformed = { ok: false, error: 'opaque_token_malformed' };

/** A text of this prefix around these bytes, with a MAC over them and whatever stands before them. */
function sealed(prefix: string, bytes: Uint8Array, before = '', key: Uint8Array = macKey): string {
  const outer = createHmac('sha256', key).update(before).update(bytes).digest().subarray(0, 16);
  return prefix + Buffer.concat([bytes, outer]).toString('base64url');
}

test('what is encoded is decoded: the key, and the hash of the random part, which stands in no text', () => {
  const bytes = fc.uint8Array({ minLength: OPAQUE_RANDOM_BYTES, maxLength: OPAQUE_RANDOM_BYTES });
  fc.assert(
    fc.property(bytes, fc.nat(2 ** 32 - 1), (given, keyId) => {
      const text = encodeOpaqueToken({ keyId, random: given }, macKey);
      const handle = createHash('sha256').update(given).digest('base64url');
      expect(decodeOpaqueToken(text, (id) => (id === keyId ? macKey : undefined))).toEqual({
        ok: true,
        value: { keyId, handle },
      });
      expect([text.includes(handle), opaqueHandle(given)]).toEqual([false, handle]);
    }),
  );
  expect(token).toMatch(/^lk_at_[A-Za-z0-9_-]{50}$/);
});

test('RSV-13: no character of it can be changed, left out or added', () => {
  for (let index = 0; index < token.length; index++) {
    const other = token[index] === 'A' ? 'B' : 'A';
    expect(decodeOpaqueToken(token.slice(0, index) + other + token.slice(index + 1), () => macKey)).toEqual(malformed);
  }
  for (const text of ['', token.slice(1), token.slice(0, -1), `${token}A`, `${token} `, 'x'.repeat(100_000)])
    expect(decodeOpaqueToken(text, () => macKey)).toEqual(malformed);
});

test('RSV-13: a token under a key that is gone or revoked is refused, and one under another key too', () => {
  expect(decodeOpaqueToken(token, () => undefined)).toEqual({ ok: false, error: 'opaque_token_key_unknown' });
  expect(decodeOpaqueToken(token, () => new Uint8Array(32))).toEqual(malformed);
});

test('RSV-13: a version that is not known is refused, though its MAC is good', () => {
  const withVersion = (version: number) => {
    const bytes = Buffer.concat([Buffer.of(version, 0, 0, 0, 3), random]);
    return decodeOpaqueToken(sealed(OPAQUE_TOKEN_PREFIX, bytes, OPAQUE_TOKEN_PREFIX), () => macKey).ok;
  };
  expect([0, 1, 2].map(withVersion)).toEqual([false, true, false]);
});

test('RSV-13: neither a refresh token nor its MAC passes for an opaque token, and the other way round', () => {
  const refresh = encodeRefreshToken(
    { keyId: 3, familyId: idText('fam', random), generation: 1 },
    new Uint8Array(16),
    macKey,
  );
  const swapped = refresh.replace(REFRESH_TOKEN_PREFIX, OPAQUE_TOKEN_PREFIX);
  const withItsMac = sealed(OPAQUE_TOKEN_PREFIX, Buffer.concat([Buffer.of(1, 0, 0, 0, 3), random]));
  for (const text of [refresh, swapped, withItsMac]) expect(decodeOpaqueToken(text, () => macKey)).toEqual(malformed);
  const parts = Buffer.from(refresh.slice(REFRESH_TOKEN_PREFIX.length), 'base64url').subarray(0, 43);
  const withOurs = sealed(REFRESH_TOKEN_PREFIX, parts, OPAQUE_TOKEN_PREFIX);
  for (const text of [token, token.replace(OPAQUE_TOKEN_PREFIX, REFRESH_TOKEN_PREFIX), withOurs])
    expect(decodeRefreshToken(text, () => macKey)).toEqual({ ok: false, error: 'refresh_token_malformed' });
});

test('whatever the text, the answer is a value', () => {
  fc.assert(
    fc.property(
      fc.oneof(
        hostileText,
        fc.string().map((text) => OPAQUE_TOKEN_PREFIX + text),
      ),
      (text) => {
        expect(decodeOpaqueToken(text, () => macKey)).toEqual(malformed);
      },
    ),
  );
});
