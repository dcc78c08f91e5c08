import type { EpochMilliseconds, Sealed } from '@latchkey/protocol/types';
import { expect, test } from 'vitest';
import { type Candidate, decideRotation, PUBLISHED_BEFORE_USE_SECONDS, type RotationCommand } from './rotation.ts';
import type { SigningKey, SigningKeyState } from './signing-key.ts';

const DAY = 86_400_000;
const now = (1_000 * DAY) as EpochMilliseconds;
const moment = { now, position: { epoch: 1, seq: 7 }, catalogue: 1 };
const sealed = new Uint8Array([1]) as Sealed;
const jwk = (kid: string) => ({ kty: 'EC', kid, alg: 'ES256', use: 'sig' }) as const;
const candidate = (kid: string): Candidate => ({ kid, jwk: jwk(kid), sealedPrivate: sealed });
const key = (kid: string, state: SigningKeyState, since: number = now - 10 * DAY): SigningKey => ({
  ...candidate(kid),
  algorithm: 'ES256',
  state,
  createdAt: 0 as EpochMilliseconds,
  since: since as EpochMilliseconds,
});
const base = { algorithm: 'ES256', candidates: [candidate('new1'), candidate('new2')], actor: 'server' } as const;
const keep: RotationCommand = { ...base, action: 'keep', rotationDays: 30 };
const rotate: RotationCommand = { ...base, action: 'rotate' };
const revoke = (kid: string, all = false): RotationCommand => ({ ...base, action: 'revoke', kid, all });

const created = (kid: string, state: SigningKeyState) => [
  { kind: 'key.create', key: { ...key(kid, state, now), createdAt: now } },
  audit('key.created', kid, { state }),
];
const moved = (kid: string, from: SigningKeyState, to: SigningKeyState, event: string) => [
  { kind: 'key.move', kid, from, to, at: now },
  audit(event, kid),
];
const audit = (event: string, kid: string, detail = {}) => ({
  kind: 'audit.append',
  entry: { at: now, event, actor: 'server', subject: { key: kid }, detail: { algorithm: 'ES256', ...detail } },
});

test('KEY-01: the very first key signs at once, and the next one is published', () => {
  expect(decideRotation([], keep, moment)).toEqual({
    outcome: { ok: true, value: { currentKid: 'new1', changed: true } },
    expects: [],
    writes: [...created('new1', 'current'), ...created('new2', 'next')],
  });
});

test('a ring that is on schedule stays as it is', () => {
  expect(decideRotation([key('a', 'current'), key('b', 'next')], keep, moment)).toEqual({
    outcome: { ok: true, value: { currentKid: 'a', changed: false } },
    expects: [],
    writes: [],
  });
});

test.each([
  [30 * DAY - 1, false],
  [30 * DAY, true],
  [30 * DAY + 1, true],
])('a key that has signed for %d ms hands over: %s', (age, isRotated) => {
  const { outcome } = decideRotation([key('a', 'current', now - age), key('b', 'next')], keep, moment);
  expect(outcome).toEqual({ ok: true, value: { currentKid: isRotated ? 'b' : 'a', changed: isRotated } });
});

const YOUNG = PUBLISHED_BEFORE_USE_SECONDS * 1000;
test.each([
  [YOUNG - 1, false],
  [YOUNG, true],
  [YOUNG + 1, true],
])('KEY-01: a next key that was published for %d ms takes over: %s', (age, takesOver) => {
  const ring = [key('a', 'current'), key('b', 'next', now - age)];
  expect(decideRotation(ring, rotate, moment)).toEqual(
    takesOver
      ? {
          outcome: { ok: true, value: { currentKid: 'b', changed: true } },
          expects: [],
          writes: [
            ...moved('a', 'current', 'retiring', 'key.retired'),
            ...moved('b', 'next', 'current', 'key.activated'),
            ...created('new1', 'next'),
          ],
        }
      : { outcome: { ok: false, error: 'key_state_wrong' }, expects: [], writes: [] },
  );
});

test('the schedule waits for a young next key without complaint', () => {
  const ring = [key('a', 'current', now - 31 * DAY), key('b', 'next', now - YOUNG + 1)];
  expect(decideRotation(ring, keep, moment).outcome).toEqual({ ok: true, value: { currentKid: 'a', changed: false } });
});

test.each([
  ['retiring', 3_780_000, false],
  ['retiring', 3_780_000 - 1, true],
  ['revoked', 30 * DAY, false],
  ['revoked', 30 * DAY - 1, true],
] as const)('KEY-02: a %s key of %d ms is kept: %s', (state, age, isKept) => {
  const ring = [key('a', 'current'), key('b', 'next'), key('old', state, now - age)];
  expect(decideRotation(ring, keep, moment).writes).toEqual(isKept ? [] : [{ kind: 'key.remove', kid: 'old' }]);
});

const gone = (kid: string) => ({ kind: 'revocation.emit', event: { kind: 'key', id: kid, exp: now / 1000 + 3_780 } });

test('KEY-07: when the current key is revoked, the published next one takes over at once, however young', () => {
  expect(decideRotation([key('a', 'current'), key('b', 'next', now)], revoke('a'), moment)).toEqual({
    outcome: { ok: true, value: { currentKid: 'b', changed: true } },
    expects: [],
    writes: [
      ...moved('a', 'current', 'revoked', 'key.revoked'),
      gone('a'),
      ...moved('b', 'next', 'current', 'key.activated'),
      ...created('new1', 'next'),
    ],
  });
});

test('KEY-07: with all, both are replaced', () => {
  const { outcome, writes } = decideRotation([key('a', 'current'), key('b', 'next')], revoke('a', true), moment);
  expect([outcome, writes]).toEqual([
    { ok: true, value: { currentKid: 'new1', changed: true } },
    [
      ...moved('a', 'current', 'revoked', 'key.revoked'),
      gone('a'),
      ...moved('b', 'next', 'revoked', 'key.revoked'),
      gone('b'),
      ...created('new1', 'current'),
      ...created('new2', 'next'),
    ],
  ]);
});

test('a retiring key is revoked, and the current one signs on', () => {
  const ring = [key('a', 'current'), key('b', 'next'), key('old', 'retiring', now)];
  expect(decideRotation(ring, revoke('old'), moment)).toEqual({
    outcome: { ok: true, value: { currentKid: 'a', changed: true } },
    expects: [],
    writes: [...moved('old', 'retiring', 'revoked', 'key.revoked'), gone('old')],
  });
});

test.each(['b', 'unknown'])('key %s, which is revoked or not there, is not revoked', (kid) => {
  const ring = [key('a', 'current'), key('b', 'revoked', now), key('c', 'next')];
  expect(decideRotation(ring, revoke(kid), moment)).toEqual({
    outcome: { ok: false, error: 'key_state_wrong' },
    expects: [],
    writes: [],
  });
});

test('without a next key there is nothing to rotate to', () => {
  expect(decideRotation([key('a', 'current')], rotate, moment)).toEqual({
    outcome: { ok: false, error: 'key_state_wrong' },
    expects: [],
    writes: [],
  });
});

test('a rotation that was given fewer new keys than it needs is a bug, and throws', () => {
  expect(() => decideRotation([], { ...keep, candidates: [candidate('new1')] }, moment)).toThrow('more new keys');
});
