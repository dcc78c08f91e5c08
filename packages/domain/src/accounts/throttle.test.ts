import type { EpochMilliseconds } from '@latchkey/protocol/types';
import { expect, test } from 'vitest';
import { isLocked, secondsToWait } from './throttle.ts';

const at = (milliseconds: number) => milliseconds as EpochMilliseconds;

test.each([
  [0, 0],
  [4, 0],
  [5, 1],
  [6, 2],
  [14, 512],
  [15, 900],
  [99, 900],
  [10_000, 900],
])('PWD-09 SP 800-63B-4 §3.2.2: after %d failures a guess waits %d seconds', (failures, wait) => {
  expect(secondsToWait({ failures, lastFailureAt: at(50_000) }, at(50_000))).toBe(wait);
});

test.each([
  [1_999, 1],
  [2_000, 0],
  [2_001, 0],
  [-1_999, 1],
  [-2_000, 0],
])('%d ms after the sixth failure the wait is %d: a clock that was set back locks nobody out', (since, wait) => {
  expect(secondsToWait({ failures: 6, lastFailureAt: at(1_000_000) }, at(1_000_000 + since))).toBe(wait);
});

test.each([
  [99, false],
  [100, true],
  [101, true],
])('PWD-09: a password with %d failures in a row is locked: %s', (failures, locked) => {
  expect(isLocked({ failures, lastFailureAt: undefined })).toBe(locked);
});
