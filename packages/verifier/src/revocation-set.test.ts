import type { AccessTokenClaims, RevocationEvent, RevocationKind } from '@latchkey/protocol/claims';
import { REVOCATION_KINDS } from '@latchkey/protocol/claims';
import { DURATIONS } from '@latchkey/protocol/limits';
import type { EpochSeconds } from '@latchkey/protocol/types';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createRevocationSet, revocableOf } from './revocation-set.ts';

const NOW = 1_795_000_000;
const EXP = NOW + DURATIONS.eventRetention;
const claims: AccessTokenClaims = {
  iss: 'https://as.example',
  sub: 'acc_1',
  aud: 'https://api.example',
  client_id: 'cli_1',
  jti: 'tok_1',
  iat: NOW as EpochSeconds,
  exp: (NOW + 300) as EpochSeconds,
  pos: '7:100',
  sid: 'ses_1',
  fid: 'fam_1',
  api_key: 'key_1',
};
const event = (kind: RevocationKind, id: string, seq = 101, epoch = 7, exp = EXP): RevocationEvent => ({
  epoch,
  seq,
  kind,
  id,
  exp: exp as EpochSeconds,
});

/** A set with a clock that the test moves. */
function made(max?: number) {
  let time = 5_000;
  return {
    set: createRevocationSet(() => time, max),
    pass(milliseconds: number) {
      time += milliseconds;
    },
  };
}
const isRevoked = (events: readonly RevocationEvent[], change: object = {}, kid = 'k1') => {
  const { set } = made();
  for (const one of events) set.add(one);
  return set.isRevoked(revocableOf({ ...claims, ...change }, kid));
};

describe('which event ends which token', () => {
  const actor = { sub: 'acc_2', client_id: 'cli_2', act: { sub: 'acc_3' } };
  const delegated = { act: actor };
  test.each([
    ['its own id', event('token', 'tok_1'), {}, true],
    ['the id of another', event('token', 'tok_2'), {}, false],
    ['its family', event('family', 'fam_1'), {}, true],
    ['a family, where the token has none', event('family', 'undefined'), { fid: undefined }, false],
    ['its session', event('session', 'ses_1'), {}, true],
    ['a session, where the token has none', event('session', 'undefined'), { sid: undefined }, false],
    ['its API key', event('api_key', 'key_1'), {}, true],
    ['an API key that is no text', event('api_key', '1'), { api_key: 1 }, false],
    ['the client that it is about, where another asked for it', event('client', 'cli_9'), { sub: 'cli_9' }, true],
    ['the same id of another kind', event('session', 'fam_1'), {}, false],
    ['its subject', event('subject', 'acc_1'), {}, true],
    ['its client', event('client', 'cli_1'), {}, true],
    ['a subject named like its client', event('subject', 'cli_1'), {}, false],
    ['everything', event('all', ''), {}, true],
    ['its key', event('key', 'k1'), {}, true],
    ['another key', event('key', 'k2'), {}, false],
    ['what was changed', event('changed', 'tok_1'), {}, false],
    ['its actor', event('subject', 'acc_2'), delegated, true],
    ['the client of its actor', event('client', 'cli_2'), delegated, true],
    ['the actor behind its actor', event('subject', 'acc_3'), delegated, true],
    ['somebody who does not act', event('subject', 'acc_4'), delegated, false],
  ] as const)('%s', (_, one, change, expected) => {
    expect(isRevoked([one], change)).toBe(expected);
  });
});

describe('a cut-off ends what stands before it in the log, whatever clocks say', () => {
  const cutOffs = [
    ['subject', 'acc_1'],
    ['client', 'cli_1'],
    ['all', ''],
  ] as const;
  test.each(cutOffs)('%s, by seq: one before, at, one after', (kind, id) => {
    const seen = [99, 100, 101].map((seq) => isRevoked([event(kind, id, 100)], { pos: `7:${seq}` }));
    expect(seen).toEqual([true, false, false]);
  });
  test.each(cutOffs)('%s, by epoch first: a place in an older history is before every number', (kind, id) => {
    const seen = ['6:999', '7:99', '8:0'].map((pos) => isRevoked([event(kind, id, 100)], { pos }));
    expect(seen).toEqual([true, true, false]);
  });
  test.each(cutOffs)('%s, for a token that says nothing of its place: before everything', (kind, id) => {
    expect(isRevoked([event(kind, id, 1, 1)], { pos: undefined })).toBe(true);
  });
  test('the later one of two holds, in whichever order they come', () => {
    for (const order of [
      [event('subject', 'acc_1', 90), event('subject', 'acc_1', 120)],
      [event('subject', 'acc_1', 120), event('subject', 'acc_1', 90)],
      [event('all', '', 120, 7), event('all', '', 1, 6)],
    ])
      expect(isRevoked(order)).toBe(true);
  });
});

describe('nothing is forgotten while it can concern a token', () => {
  const kinds = [
    event('token', 'tok_1'),
    event('family', 'fam_1'),
    event('session', 'ses_1'),
    event('api_key', 'key_1'),
    event('subject', 'acc_1'),
    event('client', 'cli_1'),
    event('all', ''),
  ];
  test.each(kinds.map((one) => [one.kind, one] as const))('%s: kept until its exp, and then not', (_, one) => {
    const { set, pass } = made();
    set.add(one);
    pass(DURATIONS.eventRetention * 1000);
    const seen = [EXP - 1, EXP, EXP + 1].map((now) => {
      set.forgetExpired(now);
      return set.isRevoked(revocableOf(claims, 'k1'));
    });
    expect([...seen, set.size]).toEqual([true, false, false, 0]);
  });

  test.each(kinds.map((one) => [one.kind, one] as const))(
    '%s: a clock that was put ahead forgets nothing that the log still holds',
    (_, one) => {
      const { set, pass } = made();
      set.add(one);
      set.forgetExpired(EXP + 86_400);
      const retention = DURATIONS.eventRetention * 1000;
      const seen = [retention - 1, 1, 1].map((milliseconds) => {
        pass(milliseconds);
        set.forgetExpired(EXP + 86_400);
        return set.isRevoked(revocableOf(claims, 'k1'));
      });
      expect(seen).toEqual([true, false, false]);
    },
  );

  test('the revocation of a key is never forgotten', () => {
    const { set, pass } = made();
    set.add(event('key', 'k1'));
    pass(Number.MAX_SAFE_INTEGER / 2);
    set.forgetExpired(Number.MAX_SAFE_INTEGER);
    expect([set.isKeyRevoked('k1'), set.isKeyRevoked('k2'), set.size]).toEqual([true, false, 1]);
  });

  test('the same event again, or the same id with an earlier end, shortens nothing', () => {
    for (const kind of ['token', 'subject', 'all'] as const) {
      const { set, pass } = made();
      const id = { token: 'tok_1', subject: 'acc_1', all: '' }[kind];
      set.add(event(kind, id, 101, 7, EXP));
      set.add(event(kind, id, 102, 7, NOW));
      set.add(event(kind, id, 90, 7, NOW));
      pass(2 * DURATIONS.eventRetention * 1000);
      set.forgetExpired(EXP - 1);
      expect(set.isRevoked(revocableOf(claims, 'k1'))).toBe(true);
    }
  });

  test('a new epoch is merged: what was known before it still holds', () => {
    expect(isRevoked([event('token', 'tok_1', 500, 7), event('token', 'tok_9', 1, 8)])).toBe(true);
    expect(isRevoked([event('subject', 'acc_1', 500, 7), event('subject', 'acc_1', 1, 8)], { pos: '7:600' })).toBe(
      true,
    );
  });

  test('revoked never revives: whatever else is heard, and in whatever order', () => {
    const anyEvent = fc.record({
      epoch: fc.integer({ min: 6, max: 8 }),
      seq: fc.integer({ min: 90, max: 110 }),
      kind: fc.constantFrom(...REVOCATION_KINDS),
      id: fc.constantFrom('tok_1', 'fam_1', 'ses_1', 'key_1', 'acc_1', 'cli_1', 'k1', ''),
      exp: fc.integer({ min: NOW, max: EXP }).map((exp) => exp as EpochSeconds),
    });
    fc.assert(
      fc.property(fc.array(anyEvent, { maxLength: 40 }), (events) => {
        const { set, pass } = made();
        let was = false;
        for (const one of events) {
          set.add(one);
          pass(1_000);
          set.forgetExpired(NOW);
          const is = set.isRevoked(revocableOf(claims, 'k1'));
          expect(was && !is).toBe(false);
          was = is;
        }
        // order makes no difference
        const { set: reversed } = made();
        for (const one of events.toReversed()) reversed.add(one);
        expect(reversed.isRevoked(revocableOf(claims, 'k1'))).toBe(was);
      }),
    );
  });
});

describe('there is a limit to what is kept', () => {
  test('as many as may be, and one more: then it is full', () => {
    const { set } = made(3);
    const seen = [1, 2, 3, 4].map((n) => {
      set.add(event('token', `tok_${n}`));
      return [set.size, set.isFull];
    });
    expect(seen).toEqual([
      [1, false],
      [2, false],
      [3, false],
      [3, true],
    ]);
    expect(set.isRevoked(revocableOf(claims, 'k1'))).toBe(true);
  });

  test.each(['family', 'session', 'api_key', 'subject', 'client', 'key'] as const)('%s takes room as well', (kind) => {
    const { set } = made(1);
    set.add(event(kind, 'a'));
    expect([set.size, set.isFull]).toEqual([1, false]);
    set.add(event(kind, 'b'));
    expect([set.size, set.isFull]).toEqual([1, true]);
  });

  test('a change that finds no room was everybody’s: what was asked before it is outdated, and nothing is stale', () => {
    let time = 0;
    const set = createRevocationSet(() => time, 1);
    set.add(event('token', 'tok_1'));
    time = 10;
    set.add(event('changed', 'acc_other'));
    const answer = revocableOf(claims, '');
    expect([9, 10, 11].map((askedAt) => set.isOutdated(answer, askedAt))).toEqual([true, false, false]);
    expect([set.size, set.isFull]).toEqual([1, false]);
  });

  test('what needs no more room never fills it: what is known already, everything at once, what was changed', () => {
    const { set } = made(2);
    const known = [event('token', 'tok_1'), event('subject', 'acc_1')];
    for (const one of [...known, ...known, event('all', ''), event('changed', 'x')]) set.add(one);
    expect([set.size, set.isFull]).toEqual([2, false]);
  });

  test('it is full for as long as what was left out can concern a token; a key that was left out, for good', () => {
    const { set, pass } = made(1);
    for (const id of ['a', 'b']) set.add(event('token', id));
    pass(DURATIONS.eventRetention * 1000);
    const seen = [EXP - 1, EXP].map((now) => {
      set.forgetExpired(now);
      return set.isFull;
    });
    expect(seen).toEqual([true, false]);
    for (const id of ['k1', 'k2']) set.add(event('key', id));
    pass(Number.MAX_SAFE_INTEGER / 2);
    set.forgetExpired(Number.MAX_SAFE_INTEGER);
    expect(set.isFull).toBe(true);
  });
});
