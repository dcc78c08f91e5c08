import { hostileText } from '@latchkey/testkit/arbitraries/text';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { encodeBase64url } from './base64url.ts';
import { createHeaderCache, type JwsHeader, parseCompact, parsePayload, signCompact } from './compact.ts';

const text = (value: unknown) => encodeBase64url(new TextEncoder().encode(JSON.stringify(value)));
const signer = { alg: 'ES256', kid: 'k', sign: () => Uint8Array.of(1, 2, 3) } as const;
const parse = (token: string) => parseCompact(token, createHeaderCache());

test('RFC 7515 §7.1: what is signed is taken apart again, whatever the claims', () => {
  fc.assert(
    fc.property(
      fc.dictionary(
        hostileText.map((name) => name.slice(0, 20)),
        fc.jsonValue({ maxDepth: 2 }),
        { maxKeys: 3 },
      ),
      (claims) => {
        const token = signCompact('at+jwt', claims, signer);
        fc.pre(token.length <= 16_384);
        const parsed = parse(token);
        expect(parsed).toEqual({
          ok: true,
          value: {
            header: { alg: 'ES256', kid: 'k', typ: 'at+jwt' },
            input: token.slice(0, token.lastIndexOf('.')),
            payload: token.split('.')[1],
            signature: Uint8Array.of(1, 2, 3),
          },
        });
        expect(parsePayload(token.split('.')[1] ?? '')).toEqual(JSON.parse(JSON.stringify(claims)));
      },
    ),
  );
});

test.each([127, 128, 129])('JWT-15 RFC 7515 §4.1.4: a kid of %d characters', (length) => {
  const parsed = parse(`${text({ alg: 'ES256', kid: 'k'.repeat(length) })}.e30.AQ`);
  expect(parsed.ok ? 'read' : parsed.error).toBe(length <= 128 ? 'read' : 'token_malformed');
});

test('JWT-02, JWT-04: a payload that is not canonical, or no object, is none', () => {
  for (const payload of ['e31', 'e30=', 'W10', '', 'e3', 'bnVsbA']) expect(parsePayload(payload)).toBeUndefined();
  expect(parsePayload('e30')).toEqual({});
});

test('a cache of headers holds so many, forgets them all for one more, and never one that was refused', () => {
  const cache = createHeaderCache(2);
  const header = (kid: string): JwsHeader => ({ alg: 'ES256', kid, typ: undefined });
  cache.set('a', header('a'));
  cache.set('b', header('b'));
  expect([cache.get('a'), cache.get('b'), cache.get('c')]).toEqual([header('a'), header('b'), undefined]);
  cache.set('c', header('c'));
  expect([cache.get('a'), cache.get('b'), cache.get('c')]).toEqual([undefined, undefined, header('c')]);
  const [bad, halfBad] = [text({ alg: 'ES256', crit: ['x'] }), text({ alg: 'ES256' })];
  expect([parseCompact(`${bad}.e30.AQ`, cache).ok, parseCompact(`${halfBad}.e30.A`, cache).ok]).toEqual([false, false]);
  expect([cache.get(bad), cache.get(halfBad)]).toEqual([undefined, undefined]);
});
