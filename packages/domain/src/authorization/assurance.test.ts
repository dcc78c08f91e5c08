import type { EpochMilliseconds, EpochSeconds } from '@latchkey/protocol/types';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type AcrLevel, acrOf, canReach, hasLevel, heldAcr, reachable } from './assurance.ts';

const NOW = 1_000_000;
const now = (NOW * 1000 + 999) as EpochMilliseconds;
const LEVELS: readonly AcrLevel[] = [
  { value: 'one', amr: ['pwd'] },
  { value: 'recent', amr: ['pwd'], withinSeconds: 300 },
  { value: 'two', amr: ['pwd', 'otp'] },
  { value: 'key', amr: ['hwk', 'user'] },
];
const proved = (age: number, ...amr: readonly string[]) => ({ authTime: (NOW - age) as EpochSeconds, amr });

describe('the level of a sign-in', () => {
  test.each([
    [proved(0), undefined],
    [proved(0, 'otp'), undefined],
    [proved(299, 'pwd'), 'recent'],
    [proved(300, 'pwd'), 'recent'],
    [proved(301, 'pwd'), 'one'],
    [proved(-5, 'pwd'), 'recent'],
    [proved(1_000, 'otp', 'pwd', 'mfa'), 'two'],
    [proved(1_000, 'user', 'hwk'), 'key'],
    [proved(1_000, 'hwk'), undefined],
  ])('OIDC-12 RFC 8176, OIDC Core §2: %j is %s', (signIn, acr) => {
    expect(acrOf(signIn, [], LEVELS, now)).toBe(acr);
  });

  test.each([
    [['one'], 'one'],
    [['one', 'recent'], 'one'],
    [['key', 'two', 'recent'], 'two'],
    [['key'], 'two'],
    [['unheard of', 'recent'], 'recent'],
    [[''], 'two'],
  ])('OIDC Core §3.1.2.1: where %j are wanted, in this order, it is %s', (wanted, acr) => {
    expect(acrOf(proved(1_000, 'pwd', 'otp'), wanted, LEVELS, now)).toBe(acr);
  });

  test('whoever has a level has all that are weaker, by whichever methods', () => {
    const byKey = proved(1_000, 'hwk', 'user');
    expect(LEVELS.map(({ value }) => hasLevel(byKey, [value], LEVELS, now))).toEqual([true, true, true, true]);
    const byPassword = proved(1_000, 'pwd');
    expect(LEVELS.map(({ value }) => hasLevel(byPassword, [value], LEVELS, now))).toEqual([true, false, false, false]);
    for (const wanted of [[], ['unheard of']]) expect(hasLevel(byKey, wanted, LEVELS, now)).toBe(false);
    expect(hasLevel(byPassword, ['key', 'one'], LEVELS, now)).toBe(true);
    expect(hasLevel(proved(0), ['one'], LEVELS, now)).toBe(false);
  });
});

test.each([
  [['pwd'], ['one', 'recent']],
  [
    ['pwd', 'otp'],
    ['one', 'recent', 'two'],
  ],
  [['otp'], []],
  [
    ['hwk', 'user'],
    ['one', 'recent', 'two', 'key'],
  ],
  [[], []],
])('META-03: by %j can be reached %j', (methods, values) => {
  expect(reachable({ levels: LEVELS, methods })).toEqual(values);
  expect(canReach(['key', 'one'], { levels: LEVELS, methods })).toBe(values.length > 0);
  expect(canReach([], { levels: LEVELS, methods })).toBe(false);
});

test('RSV-11: at no time does a family say more than it did, nor more than its sign-in is worth', () => {
  const amr = fc.subarray(['pwd', 'otp', 'hwk', 'user']);
  const level = fc.record({ value: fc.constantFrom('a', 'b', 'c'), amr, withinSeconds: fc.option(fc.nat(100)) });
  const levels = fc
    .uniqueArray(level, { selector: ({ value }) => value })
    .map((all) =>
      all.map(({ withinSeconds, ...one }): AcrLevel => ({ ...one, withinSeconds: withinSeconds ?? undefined })),
    );
  const acr = fc.constantFrom(undefined, 'a', 'b', 'c', 'd');
  fc.assert(
    fc.property(levels, amr, acr, fc.nat(200), (all, methods, began, age) => {
      const place = (value: string | undefined) => all.findIndex((one) => one.value === value);
      const signIn = proved(age, ...methods);
      const held = place(heldAcr({ ...signIn, acr: began }, all, now));
      expect(held).toBe(Math.min(place(began), place(acrOf(signIn, [], all, now))));
    }),
  );
});
