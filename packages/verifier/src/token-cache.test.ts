import type { AccessTokenClaims } from '@latchkey/protocol/claims';
import type { EpochSeconds } from '@latchkey/protocol/types';
import { expect, test } from 'vitest';
import { accessOf } from './access.ts';
import { revocableOf } from './revocation-set.ts';
import { type CachedToken, createTokenCache } from './token-cache.ts';

function entry(token: string): CachedToken {
  const claims: AccessTokenClaims = {
    iss: 'https://as.example',
    sub: 'acc_1',
    aud: 'https://api.example',
    client_id: 'cli_1',
    jti: token,
    iat: 1 as EpochSeconds,
    exp: 2 as EpochSeconds,
  };
  return { token, access: accessOf(claims), revocable: revocableOf(claims, 'k1'), notAfter: 2, notBefore: 1 };
}

test('CVE-2026-35039: a hit is the same text from end to end, not the same signature', () => {
  const cache = createTokenCache(10);
  const kept = entry('head.claims.signature');
  cache.set(kept);
  expect(cache.get('head.claims.signature')).toBe(kept);
  for (const other of ['head.other.signature', '.signature', 'signature', 'head.claims.signature2', ''])
    expect(cache.get(other)).toBeUndefined();
});

test('a text with the signature of another takes its place, and is not taken for it', () => {
  const cache = createTokenCache(10);
  cache.set(entry('a.a.s'));
  cache.set(entry('b.b.s'));
  expect([cache.get('a.a.s'), cache.get('b.b.s')?.token, cache.size]).toEqual([undefined, 'b.b.s', 1]);
});

test('names that objects have are signatures like others', () => {
  const cache = createTokenCache(10);
  for (const name of ['__proto__', 'constructor', 'toString']) expect(cache.get(`a.b.${name}`)).toBeUndefined();
});

test('as many as may be kept, and one more: the oldest goes', () => {
  const cache = createTokenCache(3);
  const sizes = [1, 2, 3, 4].map((n) => {
    cache.set(entry(`a.b.${n}`));
    return cache.size;
  });
  expect(sizes).toEqual([1, 2, 3, 3]);
  expect([1, 2, 3, 4].map((n) => cache.get(`a.b.${n}`)?.token)).toEqual([undefined, 'a.b.2', 'a.b.3', 'a.b.4']);
});

test('what is deleted or cleared is gone', () => {
  const cache = createTokenCache(10);
  for (const n of [1, 2, 3]) cache.set(entry(`a.b.${n}`));
  cache.delete('a.b.2');
  expect([cache.get('a.b.2'), cache.size]).toEqual([undefined, 2]);
  cache.clear();
  expect([cache.get('a.b.1'), cache.size]).toEqual([undefined, 0]);
});
