import { position } from '@latchkey/testkit/arbitraries/position';
import { damaged, hostileText } from '@latchkey/testkit/arbitraries/text';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { formatPosition, isBefore, parsePosition } from './position.ts';

test.each([
  [{ epoch: 5, seq: 6 }, true],
  [{ epoch: 5, seq: 7 }, false],
  [{ epoch: 5, seq: 8 }, false],
  [{ epoch: 4, seq: 9 }, true],
  [{ epoch: 6, seq: 0 }, false],
])('epochs are compared first, then numbers: %j stands before 5:7: %s', (place, before) => {
  expect(isBefore(place, { epoch: 5, seq: 7 })).toBe(before);
});

test('any two places are in exactly one order, and any three in one line', () => {
  fc.assert(
    fc.property(position, position, position, (a, b, c) => {
      const isSame = a.epoch === b.epoch && a.seq === b.seq;
      expect([isBefore(a, b), isBefore(b, a), isSame].filter(Boolean)).toEqual([true]);
      if (isBefore(a, b) && isBefore(b, c)) expect(isBefore(a, c)).toBe(true);
    }),
    { numRuns: 500 },
  );
});

test('what is written is read', () => {
  fc.assert(
    fc.property(position, (place) => {
      expect(parsePosition(formatPosition(place))).toEqual(place);
    }),
  );
});

test('whatever the text, it is read exactly if it is what would have been written', () => {
  const some = fc.oneof(hostileText, damaged(position.map(formatPosition)));
  fc.assert(
    fc.property(some, (text) => {
      const place = parsePosition(text);
      const isPlace = /^(0|[1-9]\d{0,14}):(0|[1-9]\d{0,14})$(?!\n)/.test(text);
      expect(place === undefined ? undefined : formatPosition(place)).toBe(isPlace ? text : undefined);
    }),
    { numRuns: 1000 },
  );
});

test.each(['1', '1:', ':1', '01:1', '1:-1', '1:1.5', '1:1 ', '1:1\n', `${'9'.repeat(16)}:1`, '9'.repeat(1_000)])(
  '%j is no place in the log',
  (text) => {
    expect(parsePosition(text)).toBeUndefined();
  },
);
