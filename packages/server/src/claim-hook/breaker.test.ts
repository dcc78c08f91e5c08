import { expect, test } from 'vitest';
import { createBreaker } from './breaker.ts';

test('after five failures in a row nothing is tried for five seconds; then one tries, and a success lets all in again', () => {
  let now = 0;
  const breaker = createBreaker(() => now);
  for (let failure = 1; failure <= 4; failure++) breaker.tried(false);
  expect(breaker.mayTry()).toBe(true);
  breaker.tried(false);
  expect(breaker.mayTry()).toBe(false);
  now = 4_999;
  expect(breaker.mayTry()).toBe(false);
  now = 5_000;
  expect([breaker.mayTry(), breaker.mayTry()]).toEqual([true, false]);
  breaker.tried(false);
  now = 9_999;
  expect(breaker.mayTry()).toBe(false);
  now = 10_000;
  expect(breaker.mayTry()).toBe(true);
  breaker.tried(true);
  expect([breaker.mayTry(), breaker.mayTry()]).toEqual([true, true]);
});

test('failures that are not in a row are no reason', () => {
  const breaker = createBreaker(() => 0);
  for (const isGood of [false, false, false, false, true, false, false, false, false]) breaker.tried(isGood);
  expect(breaker.mayTry()).toBe(true);
});
