import { expect, test } from 'vitest';
import { createElapsed } from './elapsed.ts';

test.each<[string, readonly (readonly [day: number, own: number])[], readonly number[]]>([
  [
    'both clocks go on',
    [
      [1_000, 1_000],
      [2_500, 2_500],
    ],
    [1, 2.5],
  ],
  [
    'the machine sleeps, and the monotonic clock with it',
    [
      [90_000, 1_000],
      [91_000, 2_000],
    ],
    [90, 91],
  ],
  [
    'the clock is put back by an hour',
    [
      [-3_599_000, 1_000],
      [-3_598_000, 2_000],
    ],
    [1, 2],
  ],
  [
    'it is put ahead by an hour and back',
    [
      [3_601_000, 1_000],
      [2_000, 2_000],
      [3_000, 3_000],
    ],
    [3_601, 3_602, 3_603],
  ],
  [
    'it is put back again and again',
    [
      [-1, 0],
      [-2, 0],
      [-3, 0],
    ],
    [0, 0, 0],
  ],
  [
    'many looks in one millisecond',
    [
      [1, 0.2],
      [1, 0.9],
      [2, 1.8],
    ],
    [0.001, 0.001, 0.002],
  ],
])('%s', (_, steps, expected) => {
  let [day, own] = [0, 0];
  const elapsed = createElapsed(
    () => day,
    () => own,
  );
  const seen = steps.map((step) => {
    [day, own] = step;
    return elapsed();
  });
  expect(seen).toEqual(expected);
});
