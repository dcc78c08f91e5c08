import { generateKeyPairSync, sign, verify } from 'node:crypto';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { concatenatedOfDer, DER_BYTES_MAX, derOfConcatenated } from './ecdsa-der.ts';

const ORDER = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;
const bytesOf = (number: bigint) => Buffer.from(number.toString(16).padStart(64, '0'), 'hex');
const pair = (r: bigint, s: bigint) => new Uint8Array([...bytesOf(r), ...bytesOf(s)]);

/** Numbers of every length, many of them near an end of the range. */
const number = fc.oneof(
  fc.tuple(fc.bigInt({ min: 0n, max: 2n ** 256n - 1n }), fc.nat(255)).map(([big, shift]) => big >> BigInt(shift)),
  fc.bigInt({ min: -5n, max: 5n }).map((near) => ORDER + near),
  fc.bigInt({ min: 0n, max: 5n }),
);

test('JWT-09 FIPS 186-5 §6.4.2: a number is taken exactly if it lies between 0 and the order', () => {
  fc.assert(
    fc.property(number, number, (r, s) => {
      const der = derOfConcatenated(pair(r, s));
      expect(der !== undefined).toBe(r > 0n && r < ORDER && s > 0n && s < ORDER);
      if (der === undefined) return;
      expect(der.length).toBeLessThanOrEqual(DER_BYTES_MAX);
      expect(concatenatedOfDer(der)).toEqual(pair(r, s));
    }),
    { numRuns: 1000 },
  );
});

test.each([
  [0n, false],
  [1n, true],
  [ORDER - 1n, true],
  [ORDER, false],
  [ORDER + 1n, false],
  [2n ** 256n - 1n, false],
  [ORDER - 2n ** 32n, true],
  [ORDER + 2n ** 32n, false],
])('JWT-09: %d as one of the two numbers is taken: %s', (one, isTaken) => {
  expect([derOfConcatenated(pair(one, 1n)), derOfConcatenated(pair(1n, one))].map((der) => der !== undefined)).toEqual([
    isTaken,
    isTaken,
  ]);
});

test.each([0, 63, 65, 128])('JWT-09 RFC 7518 §3.4: a signature of %d bytes is none', (length) => {
  expect(derOfConcatenated(new Uint8Array(length).fill(1))).toBeUndefined();
});

test('JWT-09: what OpenSSL signs is read, and what is written OpenSSL verifies, at any place of a buffer', () => {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const into = new Uint8Array(DER_BYTES_MAX);
  for (let round = 0; round < 100; round++) {
    const input = Buffer.from(`round ${round}`);
    const inside = new Uint8Array([9, ...concatenatedOfDer(sign('sha256', input, privateKey)), 9]).subarray(1, 65);
    const der = derOfConcatenated(inside, into);
    expect(der !== undefined && verify('sha256', input, publicKey, der)).toBe(true);
    expect(verify('sha256', input, { key: publicKey, dsaEncoding: 'ieee-p1363' }, inside)).toBe(true);
  }
});
