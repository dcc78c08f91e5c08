import { deflateRawSync, deflateSync, gzipSync } from 'node:zlib';
import { LIMITS } from '@latchkey/protocol/limits';
import { hostileText } from '@latchkey/testkit/arbitraries/text';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { encodeBase64url } from './base64url.ts';
import {
  createStatusList,
  decodeStatusList,
  encodeStatusList,
  STATUS,
  type StatusBits,
  statusAt,
} from './status-list.ts';

const ONE_BIT = [1, 0, 0, 1, 1, 1, 0, 1, 1, 1, 0, 0, 0, 1, 0, 1];
const TWO_BITS = [1, 2, 0, 3, 0, 1, 0, 1, 1, 2, 3, 3];

test.each([
  ['of one bit', 1, ONE_BIT, 'b9a3', 'eNrbuRgAAhcBXQ'],
  ['of two bits', 2, TWO_BITS, 'c944f9', 'eNo76fITAAPfAgc'],
] as const)(
  'VEC-05, VEC-06, TSL-05 TSL §4.1, §4.2: the example %s: a list of %d bits has its first status in the lowest bits',
  async (_, bits, statuses, hex, lst) => {
    const list = createStatusList(bits, statuses.length, statuses.entries());
    expect(Buffer.from(list.bytes).toString('hex')).toBe(hex);
    expect(encodeStatusList(list)).toEqual({ bits, lst });
    const read = await decodeStatusList({ bits, lst });
    expect(read && statuses.map((_status, index) => statusAt(read, index))).toEqual(statuses);
  },
);

test('TSL-05: whatever the statuses, they are read as they were written, and no status changes another', async () => {
  const lists = fc
    .constantFrom<StatusBits>(1, 2, 4, 8)
    .chain((bits) => fc.tuple(fc.constant(bits), fc.array(fc.nat({ max: 2 ** bits - 1 }), { minLength: 1 })));
  await fc.assert(
    fc.asyncProperty(lists, fc.nat(), async ([bits, statuses], again) => {
      const index = again % statuses.length;
      const twice = [...statuses.entries(), [index, 1] as const];
      const read = await decodeStatusList(encodeStatusList(createStatusList(bits, statuses.length, twice)));
      if (read === undefined) throw new Error('not read');
      const expected = statuses.with(index, 1);
      expect(expected.map((_, at) => statusAt(read, at))).toEqual(expected);
    }),
  );
});

test('TSL-08 TSL §8.3: an index beyond the end has no status', () => {
  for (const bits of [1, 2, 4, 8] as const) {
    const list = createStatusList(bits, 16, []);
    expect([15, 16, -1, 2 ** 40].map((index) => statusAt(list, index))).toEqual([0, undefined, undefined, undefined]);
  }
});

test.each([
  [1, 16, 0, STATUS.suspended],
  [2, 16, 0, 4],
  [8, 16, 0, 256],
  [8, 16, 0, -1],
  [8, 16, 0, 0.5],
  [1, 16, 16, STATUS.invalid],
  [1, 16, -1, STATUS.invalid],
  [1, 16, 1.5, STATUS.invalid],
] as const)(
  'TSL-06 TSL §7.1: a list of %d bits and %d places has none at %d for the status %d',
  (bits, size, index, status) => {
    expect(() => createStatusList(bits, size, [[index, status]])).toThrow(RangeError);
  },
);

test('TSL-06: two bits have room for a token that is suspended', () => {
  const list = createStatusList(2, 4, [[1, STATUS.suspended]]);
  expect([0, 1].map((index) => statusAt(list, index))).toEqual([STATUS.valid, STATUS.suspended]);
});

const bytes = Buffer.alloc(100, 7);
const text = (of: Uint8Array) => encodeBase64url(of);
const good = { bits: 1, lst: text(deflateSync(bytes)) };
test.each<[string, unknown]>([
  ['no object', null],
  ['a text', 'x'],
  ['no bits', { lst: good.lst }],
  ['no list', { bits: 1 }],
  ['3 bits', { ...good, bits: 3 }],
  ['bits as a text', { ...good, bits: '1' }],
  ['a list that is no text', { ...good, lst: 1 }],
  ['raw DEFLATE', { ...good, lst: text(deflateRawSync(bytes)) }],
  ['gzip', { ...good, lst: text(gzipSync(bytes)) }],
  ['padding', { ...good, lst: `${good.lst}=` }],
  ['a list that breaks off', { ...good, lst: text(deflateSync(bytes).subarray(0, -5)) }],
])('TSL-04 TSL §4.2: a list with %s is none', async (_, value) => {
  expect(await decodeStatusList(good)).toBeDefined();
  expect(await decodeStatusList(value)).toBeUndefined();
});

test('TSL-13 TSL §11: a list is inflated as far as a list may be, and a byte more refuses it', async () => {
  const read = async (size: number) => {
    const list = await decodeStatusList({ bits: 8, lst: text(deflateSync(Buffer.alloc(size))) });
    return list?.bytes.length;
  };
  const max = LIMITS.statusListBytesMax;
  expect([await read(max - 1), await read(max), await read(max + 1)]).toEqual([max - 1, max, undefined]);
});

test('whatever stands where a list should be, nothing is thrown', async () => {
  await fc.assert(
    fc.asyncProperty(fc.oneof(hostileText, fc.jsonValue()), async (value) => {
      await decodeStatusList(value);
      await decodeStatusList({ bits: 1, lst: value });
    }),
  );
});
