import type { EpochMilliseconds } from '@latchkey/protocol/types';
import { expect, test } from 'vitest';
import { addressKey } from './address.ts';
import { createUnknownGuesses } from './unknown-guesses.ts';

test.each([
  ['192.0.2.1', '192.0.2.1'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
  ['2001:db8:1:2:ffff::', '2001:db8:1:2::/64'],
  ['2001:db8::1', '2001:db8:0:0::/64'],
  ['::1', '0:0:0:0::/64'],
  [undefined, 'unknown'],
])('%s counts as %s', (address, key) => {
  expect(addressKey(address)).toBe(key);
});

test('PWD-11: guesses at a name that nobody has wait like those at an account', () => {
  const guesses = createUnknownGuesses(2);
  const at = (milliseconds: number) => milliseconds as EpochMilliseconds;
  for (let index = 0; index < 5; index++) guesses.fail('nobody', at(1_000));
  expect(guesses.secondsToWait('nobody', at(1_000))).toBe(1);
  guesses.fail('nobody', at(2_000));
  expect([guesses.secondsToWait('nobody', at(2_000)), guesses.secondsToWait('nobody', at(4_000))]).toEqual([2, 0]);
  guesses.fail('b', at(5_000));
  guesses.fail('c', at(5_000)); // one more than are kept: the oldest is forgotten
  expect(guesses.secondsToWait('nobody', at(2_000))).toBe(0);
});

test('PWD-11: a name that nobody has stops waiting where the password of an account would be locked', () => {
  const guesses = createUnknownGuesses();
  const now = 1_000 as EpochMilliseconds;
  for (let index = 0; index < 99; index++) guesses.fail('nobody', now);
  expect(guesses.secondsToWait('nobody', now)).toBe(900);
  guesses.fail('nobody', now);
  expect(guesses.secondsToWait('nobody', now)).toBe(0);
});
