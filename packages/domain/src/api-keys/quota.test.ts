import { DURATIONS, LIMITS } from '@latchkey/protocol/limits';
import type { EpochMilliseconds, EpochSeconds } from '@latchkey/protocol/types';
import * as row from '@latchkey/testkit/conformance/rows';
import { describe, expect, test } from 'vitest';
import type { Quota } from './api-key.ts';
import { closeLease, decideLend, grantLease, isLeaseLost, leaseSize } from './lease.ts';
import { decideUse, loadQuota, periodOf, remainingOf } from './quota.ts';

const at = (text: string): EpochMilliseconds => Date.parse(text) as EpochMilliseconds;
const seconds = (text: string): EpochSeconds => (at(text) / 1000) as EpochSeconds;
const now = at('2026-02-28T23:30:00Z');
const moment = { now, position: { epoch: 1, seq: 7 }, catalogue: 1 };
const DAY: Quota = { uses: 100, period: 'day' };
const TODAY = { startsAt: seconds('2026-02-28T00:00:00Z'), endsAt: seconds('2026-03-01T00:00:00Z') };
const facts = (spent: number, quota: Quota | undefined = DAY) => ({
  key: row.apiKey(1, { quota }),
  spent,
  openLeases: 0,
});
const KEY = row.apiKey(1).id;
const holder = { id: 'lease', resourceId: row.idOf('res', 1), instance: 'v1' };

describe('periods', () => {
  test.each([
    ['hour', '2026-12-31T23:59:59.999Z', '2026-12-31T23:00:00Z', '2027-01-01T00:00:00Z'],
    ['hour', '2027-01-01T00:00:00Z', '2027-01-01T00:00:00Z', '2027-01-01T01:00:00Z'],
    ['day', '2028-02-28T12:00:00Z', '2028-02-28T00:00:00Z', '2028-02-29T00:00:00Z'],
    ['day', '2026-12-31T23:59:59.999Z', '2026-12-31T00:00:00Z', '2027-01-01T00:00:00Z'],
    ['month', '2026-02-28T23:59:59.999Z', '2026-02-01T00:00:00Z', '2026-03-01T00:00:00Z'],
    ['month', '2026-12-01T00:00:00Z', '2026-12-01T00:00:00Z', '2027-01-01T00:00:00Z'],
  ] as const)('the %s of %s in UTC', (period, moment, startsAt, endsAt) => {
    expect(periodOf(period, at(moment))).toEqual({ startsAt: seconds(startsAt), endsAt: seconds(endsAt) });
  });

  test('a quota that was made smaller than what is spent has nothing left', () => {
    expect([remainingOf(DAY, 99), remainingOf(DAY, 100), remainingOf(DAY, 101)]).toEqual([1, 0, 0]);
  });

  test('what is spent is read of the period of now; of a key without a quota nothing is', async () => {
    const asked: unknown[] = [];
    const read = {
      quotaSpent: async (...args: readonly unknown[]) => asked.push(args) + 40,
      openLeases: async () => 3,
    };
    expect(await loadQuota(read, row.apiKey(1, { quota: DAY }), moment)).toEqual({ ...facts(41), openLeases: 3 });
    expect(asked).toEqual([[KEY, TODAY.startsAt]]);
    const plain = row.apiKey(1);
    expect(await loadQuota(read, plain, moment)).toEqual({ key: plain, spent: 0, openLeases: 0 });
  });
});

describe('one use', () => {
  test('is debited before it is allowed', () => {
    expect(decideUse(facts(99), moment)).toEqual({
      outcome: { ok: true, value: { limit: 100, remaining: 0, reset: TODAY.endsAt } },
      expects: [],
      writes: [{ kind: 'quota.debit', apiKey: KEY, period: TODAY, uses: 1, limit: 100 }],
    });
  });

  test('api_key_quota_exhausted: nothing is left, and nothing is written', () => {
    const refused = { outcome: { ok: false, error: 'api_key_quota_exhausted' }, expects: [], writes: [] };
    expect(decideUse(facts(100), moment)).toEqual(refused);
    expect(decideUse(facts(101), moment)).toEqual(refused);
  });

  test('of a key without a quota is not counted here', () => {
    const free = { key: row.apiKey(1), spent: 0, openLeases: 0 };
    expect(decideUse(free, moment)).toEqual({ outcome: { ok: true, value: undefined }, expects: [], writes: [] });
  });
});

describe('leases', () => {
  test.each([
    [0, 0],
    [1, 1],
    [20, 1],
    [21, 2],
    [100, 5],
    [19_980, 999],
    [19_981, 1_000],
    [1_000_000, 1_000],
    [1_000_999, 1_000],
    [1_001_000, 1_001],
    [1_000_000_000, 1_000_000],
  ])('of %d that remain one takes %d', (remaining, uses) => {
    expect(leaseSize(remaining)).toBe(uses);
  });

  test('a share is debited as it is granted, and lasts a minute', () => {
    const noon = at('2026-02-28T12:00:00Z');
    const until = (noon / 1000 + DURATIONS.lease) as EpochSeconds;
    expect(grantLease(facts(40), holder, noon)).toEqual({
      lease: { id: 'lease', api_key: KEY, uses: 3, until, limit: 100, remaining: 57, reset: TODAY.endsAt },
      writes: [
        { kind: 'quota.debit', apiKey: KEY, period: TODAY, uses: 3, limit: 100 },
        {
          kind: 'lease.grant',
          lease: { ...holder, apiKey: KEY, startsAt: TODAY.startsAt, uses: 3, until },
        },
      ],
    });
  });

  test('none lasts longer than its period', () => {
    const end = at('2026-02-28T23:59:30Z');
    expect(grantLease(facts(0), holder, end)?.lease.until).toBe(TODAY.endsAt);
    expect(grantLease(facts(100), holder, at('2026-02-28T23:59:50Z'))?.lease.until).toBe(TODAY.endsAt);
  });

  test('with nothing left it is one of no uses, which says when to ask again and is not stored', () => {
    const until = now / 1000 + DURATIONS.leaseAskAgain;
    const empty = { id: 'lease', api_key: KEY, uses: 0, until, limit: 100, remaining: 0, reset: TODAY.endsAt };
    expect(grantLease(facts(100), holder, now)).toEqual({ lease: empty, writes: [] });
  });

  test('so many may be open, and one more is of no uses', () => {
    const open = (openLeases: number) => grantLease({ ...facts(0), openLeases }, holder, now)?.lease.uses;
    expect([open(LIMITS.leasesPerApiKeyMax - 1), open(LIMITS.leasesPerApiKeyMax)]).toEqual([5, 0]);
  });

  test('a key without a quota needs none', () => {
    const none = { key: row.apiKey(1), spent: 0, openLeases: 0 };
    expect(decideLend(none, holder, now)).toEqual({ outcome: { ok: true, value: undefined }, expects: [], writes: [] });
    const { outcome, writes } = decideLend(facts(0), holder, now);
    expect([outcome.ok && outcome.value?.uses, writes.length]).toEqual([5, 2]);
    expect(grantLease({ key: row.apiKey(1), spent: 0, openLeases: 0 }, holder, now)).toBeUndefined();
  });

  test.each([
    [-1, 50],
    [0, 50],
    [49, 1],
    [50, 0],
    [51, 0],
  ])('closed with %d of 50 used it gives back %d', (used, uses) => {
    const lease = row.lease(1);
    const credit = { kind: 'quota.credit', apiKey: KEY, startsAt: lease.startsAt, uses };
    const close = { kind: 'lease.close', id: lease.id };
    expect(closeLease(lease, used, row.after(0))).toEqual(uses === 0 ? [close] : [close, credit]);
  });

  test('a while after its end it is lost, and gives nothing back', () => {
    const lease = row.lease(1);
    const lost = (lease.until + DURATIONS.leaseGrace) * 1000;
    const [before, then] = [lost - 1, lost] as EpochMilliseconds[];
    if (before === undefined || then === undefined) throw new Error('two times');
    expect([isLeaseLost(lease, before), isLeaseLost(lease, then)]).toEqual([false, true]);
    expect([closeLease(lease, 0, before).length, closeLease(lease, 0, then)]).toEqual([2, []]);
  });
});
