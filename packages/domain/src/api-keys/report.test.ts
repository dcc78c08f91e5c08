import { DURATIONS, LIMITS } from '@latchkey/protocol/limits';
import type { EpochMilliseconds, EpochSeconds, ResourceIdentifier } from '@latchkey/protocol/types';
import { NOW, put } from '@latchkey/testkit/conformance/conformance-case';
import * as row from '@latchkey/testkit/conformance/rows';
import { createMemoryStore } from '@latchkey/testkit/memory-store';
import { describe, expect, test } from 'vitest';
import type { ApiKey } from './api-key.ts';
import { decideReport, loadReport, type ReportCommand, type ReportFacts } from './report.ts';

const moment = { now: NOW, position: { epoch: 1, seq: 7 }, catalogue: 1 };
const API = row.resource(1);
const KEY = row.apiKey(1, { resource: API.identifier, quota: { uses: 100, period: 'day' } });
const FOREIGN = row.apiKey(2, { resource: 'https://other.example' as ResourceIdentifier, quota: KEY.quota });
const today = row.day(0);
const hour = (today.startsAt + 3 * 3_600) as EpochSeconds;

const command = (more: Partial<ReportCommand> = {}): ReportCommand => ({
  resource: API,
  instance: 'v1',
  number: 2,
  usage: [],
  closed: [],
  renew: [],
  rates: [],
  leaseIds: 'made',
  ...more,
});
const facts = (keys: readonly ApiKey[] = [], more: Partial<ReportFacts> = {}): ReportFacts => ({
  before: undefined,
  instances: 0,
  keys: new Map(keys.map((key) => [key.id, { key, spent: 50, openLeases: 1 }])),
  leases: new Map(),
  ...more,
});
const told = (more = {}) => ({
  kind: 'verifier.report',
  told: { instance: 'v1', resourceId: API.id, number: 2, answer: { leases: [], rates: [] }, seenAt: NOW, ...more },
});
const leased = (more = {}) => {
  const lease = row.lease(1, more);
  return facts([KEY], { leases: new Map([[lease.id, lease]]) });
};

describe('a report counts once', () => {
  const before = row.verifier(1, { number: 2 });

  test('the last one again is answered the same, and changes nothing', () => {
    expect(decideReport(facts([KEY], { before }), command({ renew: [KEY.id] }), moment)).toEqual({
      outcome: { ok: true, value: { answer: before.answer, ignored: [] } },
      expects: [],
      writes: [],
    });
  });

  test('one before it is answered with nothing', () => {
    expect(decideReport(facts([KEY], { before }), command({ number: 1, renew: [KEY.id] }), moment)).toEqual({
      outcome: { ok: true, value: { answer: { leases: [], rates: [] }, ignored: [] } },
      expects: [],
      writes: [],
    });
  });

  test('the next one counts, however many are missing in between, and its answer is kept', () => {
    const rates = [{ api_key: KEY.id, verifiers: 3 }];
    expect(decideReport(facts([], { before }), command({ number: 9, rates }), moment)).toEqual({
      outcome: { ok: true, value: { answer: { leases: [], rates }, ignored: [] } },
      expects: [],
      writes: [told({ number: 9, answer: { leases: [], rates } })],
    });
  });

  test('verifier_instance_taken: the name belongs to the resource that used it first', () => {
    const other = { ...before, resourceId: row.idOf('res', 2) };
    const { outcome, writes } = decideReport(facts([], { before: other }), command({ number: 9 }), moment);
    expect([outcome, writes]).toEqual([{ ok: false, error: 'verifier_instance_taken' }, []]);
  });

  test('overloaded: a resource has so many verifiers, and not one more', () => {
    const with_ = (instances: number) => decideReport(facts([], { instances }), command(), moment).outcome.ok;
    const max = LIMITS.verifierInstancesMax;
    expect([with_(max - 1), with_(max)]).toEqual([true, false]);
    expect(decideReport(facts([], { instances: max }), command(), moment).outcome).toEqual({
      ok: false,
      error: 'overloaded',
    });
  });
});

describe('leases', () => {
  const granted = (uses: number, remaining: number, index = 0) => ({
    id: `made.${index}`,
    api_key: KEY.id,
    uses,
    until: Math.floor(NOW / 1000) + DURATIONS.lease,
    limit: 100,
    remaining,
    reset: today.endsAt,
  });

  test('one is granted of each key of its own that lives and has a quota; of others it is told nothing', () => {
    const free = row.apiKey(3, { resource: API.identifier });
    const ended = row.apiKey(4, {
      ...KEY,
      id: row.idOf('key', 4),
      ended: { at: NOW, reason: 'revoked', by: 'x' } as never,
    });
    const expired = row.apiKey(5, { ...KEY, id: row.idOf('key', 5), expiresAt: NOW });
    const keys = [KEY, FOREIGN, free, ended, expired];
    const renew = [...keys.map(({ id }) => id), KEY.id, 'key_unknown'];
    const answer = { leases: [granted(3, 47)], rates: [] };
    expect(decideReport(facts(keys), command({ renew }), moment)).toEqual({
      outcome: { ok: true, value: { answer, ignored: [FOREIGN.id, 'key_unknown'] } },
      expects: [],
      writes: [
        told({ answer }),
        { kind: 'quota.debit', apiKey: KEY.id, period: today, uses: 3, limit: 100 },
        {
          kind: 'lease.grant',
          lease: {
            id: 'made.0',
            resourceId: API.id,
            instance: 'v1',
            apiKey: KEY.id,
            startsAt: today.startsAt,
            uses: 3,
            until: Math.floor(NOW / 1000) + DURATIONS.lease,
          },
        },
      ],
    });
  });

  test('what comes back of one that is closed can be granted again at once', () => {
    const closed = [{ id: 'lease.1', used: 10 }];
    const { outcome, writes } = decideReport(leased(), command({ closed, renew: [KEY.id] }), moment);
    expect(outcome).toEqual({
      ok: true,
      value: { answer: { leases: [granted(5, 85)], rates: [] }, ignored: [] },
    });
    expect(writes.slice(1, 4)).toEqual([
      { kind: 'lease.close', id: 'lease.1' },
      { kind: 'quota.credit', apiKey: KEY.id, startsAt: today.startsAt, uses: 40 },
      { kind: 'quota.debit', apiKey: KEY.id, period: today, uses: 5, limit: 100 },
    ]);
  });

  test.each([
    ['of another verifier', { instance: 'v2' }],
    ['of another resource', { resourceId: row.idOf('res', 2) }],
  ])('one %s stays open', (_, more) => {
    const closed = [{ id: 'lease.1', used: 0 }];
    expect(decideReport(leased(more), command({ closed }), moment)).toMatchObject({
      outcome: { value: { ignored: ['lease.1'] } },
      writes: [told()],
    });
  });

  test('one that nobody knows is passed over', () => {
    const closed = [{ id: 'gone', used: 0 }];
    expect(decideReport(facts(), command({ closed }), moment)).toMatchObject({
      outcome: { value: { ignored: ['gone'] } },
      writes: [told()],
    });
  });

  test('what comes back of a period that is over is not granted in this one', () => {
    const startsAt = row.day(-1).startsAt;
    const closed = [{ id: 'lease.1', used: 0 }];
    const { outcome } = decideReport(leased({ startsAt }), command({ closed, renew: [KEY.id] }), moment);
    expect(outcome).toMatchObject({ value: { answer: { leases: [{ uses: 3, remaining: 47 }] } } });
  });

  test('nor of a lease that is lost, nor of a key that has no quota any more, or is gone', () => {
    const closed = [{ id: 'lease.1', used: 0 }];
    const until = (Math.floor(NOW / 1000) - DURATIONS.leaseGrace) as EpochSeconds;
    const lost = decideReport(leased({ until }), command({ closed, renew: [KEY.id] }), moment);
    expect(lost.outcome).toMatchObject({ value: { answer: { leases: [{ uses: 3, remaining: 47 }] } } });
    const lease = row.lease(1);
    const leases = new Map([[lease.id, lease]]);
    const credit = { kind: 'quota.credit', apiKey: KEY.id, startsAt: today.startsAt, uses: 50 };
    const close = { kind: 'lease.close', id: lease.id };
    for (const keys of [[{ ...KEY, quota: undefined }], []])
      expect(decideReport(facts(keys, { leases }), command({ closed }), moment).writes).toEqual([
        told(),
        close,
        credit,
      ]);
  });
});

describe('uses', () => {
  test('are added to their hour; those of other resources, and of no believable hour, are passed over', () => {
    const usage = [KEY.id, FOREIGN.id, 'key_unknown'].map((api_key) => ({ api_key, hour, allowed: 4, refused: 1 }));
    const odd = { api_key: KEY.id, hour: (hour + 1) as EpochSeconds, allowed: 1, refused: 0 };
    expect(decideReport(facts([KEY, FOREIGN]), command({ usage: [...usage, odd] }), moment)).toEqual({
      outcome: {
        ok: true,
        value: { answer: { leases: [], rates: [] }, ignored: [FOREIGN.id, 'key_unknown', KEY.id] },
      },
      expects: [],
      writes: [
        told(),
        {
          kind: 'usage.add',
          usage: { apiKey: KEY.id, resourceId: API.id, startsAt: hour, allowed: 4, refused: 1, usedAt: NOW },
        },
      ],
    });
  });
});

describe('what a report reads', () => {
  const keys: ReadonlyMap<string, ApiKey> = new Map([KEY, FOREIGN].map((key) => [key.id, key]));
  const filled = async () => {
    const store = createMemoryStore({ now: () => NOW as EpochMilliseconds });
    const period = today;
    const foreign = row.lease(2, { apiKey: FOREIGN.id });
    await put(
      store,
      { kind: 'quota.debit', apiKey: KEY.id, period, uses: 7, limit: 100 },
      { kind: 'lease.grant', lease: row.lease(1) },
      { kind: 'lease.grant', lease: foreign },
      { kind: 'verifier.report', told: row.verifier(1, { number: 2 }) },
    );
    return { ...store.read, apiKey: async (id: string) => keys.get(id) };
  };

  test('keys that are counted, wanted or closed, each once', async () => {
    const usage = [{ api_key: KEY.id, hour, allowed: 1, refused: 0 }];
    const closed = ['lease.1', 'lease.2', 'gone'].map((id) => ({ id, used: 0 }));
    const asked = command({ instance: 'v2', usage, closed, renew: [KEY.id, 'nonsense', row.idOf('key', 9)] });
    const found = await loadReport(await filled(), asked, moment);
    expect([found.before, found.instances, [...found.leases.keys()]]).toEqual([undefined, 1, ['lease.1', 'lease.2']]);
    expect([...found.keys]).toEqual([
      [KEY.id, { key: KEY, spent: 7, openLeases: 1 }],
      [FOREIGN.id, { key: FOREIGN, spent: 0, openLeases: 1 }],
    ]);
  });

  test('nothing more of a report that came before, or under the name of another', async () => {
    const read = await filled();
    const empty = { before: row.verifier(1, { number: 2 }), instances: 0, keys: new Map(), leases: new Map() };
    const asked = { renew: [KEY.id], closed: [{ id: 'lease.1', used: 0 }] };
    expect(await loadReport(read, command(asked), moment)).toEqual(empty);
    const resource = { ...API, id: row.idOf('res', 2) };
    expect(await loadReport(read, command({ ...asked, number: 3, resource }), moment)).toEqual(empty);
    expect((await loadReport(read, command({ ...asked, number: 3 }), moment)).keys.size).toBe(1);
  });
});
