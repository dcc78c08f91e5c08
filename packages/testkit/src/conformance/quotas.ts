import type { ApiKey } from '@latchkey/domain/api-keys/api-key';
import { decideUse, loadQuota } from '@latchkey/domain/api-keys/quota';
import { decideReport, loadReport, type ReportCommand } from '@latchkey/domain/api-keys/report';
import type { Store } from '@latchkey/domain/ports/store';
import { transact } from '@latchkey/domain/transact';
import { DURATIONS } from '@latchkey/protocol/limits';
import type { EpochSeconds } from '@latchkey/protocol/types';
import { type ConformanceCase, NOW, put, same } from './conformance-case.ts';
import * as row from './rows.ts';

const API = row.resource(1);
const KEY: ApiKey = row.apiKey(1, { resource: API.identifier, quota: { uses: 10, period: 'day' } });
const { startsAt } = row.day(0);

const use = (store: Store) =>
  transact(
    store,
    (read, moment) => loadQuota(read, KEY, moment),
    (facts, moment) => decideUse(facts, moment),
  );

const report = (store: Store, more: Partial<ReportCommand>) => {
  const told: ReportCommand = {
    resource: API,
    instance: 'v1',
    number: 1,
    usage: [],
    closed: [],
    renew: [],
    rates: [],
    leaseIds: 'made',
    ...more,
  };
  return transact(
    store,
    (read, moment) => loadReport({ ...read, apiKey: async () => KEY }, told, moment),
    (facts, moment) => decideReport(facts, told, moment),
  );
};

/** What must hold of quotas, leases and uses, whoever comes at the same moment. */
export const QUOTAS: readonly ConformanceCase[] = [
  {
    name: 'of twenty uses at once of a key that has ten left, ten are allowed',
    async run(store) {
      const answers = await Promise.all(Array.from({ length: 20 }, () => use(store)));
      const errors = answers.map(({ outcome }) => (outcome.ok ? 'allowed' : outcome.error));
      same(errors.filter((error) => error === 'allowed').length, 10);
      same(errors.filter((error) => error === 'api_key_quota_exhausted').length, 10);
      same(await store.read.quotaSpent(KEY.id, startsAt), 10);
    },
  },
  {
    name: 'verifiers that ask for leases at the same moment are granted no more than the quota together',
    async run(store) {
      const ask = (n: number) => report(store, { instance: `v${n}`, renew: [KEY.id], leaseIds: `of ${n}` });
      const answers = await Promise.all(Array.from({ length: 15 }, (_, n) => ask(n)));
      const uses = answers.map(({ outcome }) => (outcome.ok ? outcome.value.answer.leases[0]?.uses : outcome.error));
      same(uses.map(String).sort(), [
        ...Array.from({ length: 5 }, () => '0'),
        ...Array.from({ length: 10 }, () => '1'),
      ]);
      same(await store.read.quotaSpent(KEY.id, startsAt), 10);
    },
  },
  {
    name: 'a report that comes many times at once counts once, and is answered the same each time',
    async run(store) {
      const lease = row.lease(1, { uses: 6 });
      const period = row.day(0);
      await put(
        store,
        { kind: 'quota.debit', apiKey: KEY.id, period, uses: 6, limit: 10 },
        { kind: 'lease.grant', lease },
      );
      const usage = [{ api_key: KEY.id, hour: startsAt, allowed: 2, refused: 1 }];
      const closed = [{ id: lease.id, used: 2 }];
      const all = Array.from({ length: 8 }, () => report(store, { usage, closed, renew: [KEY.id] }));
      const answers = (await Promise.all(all)).map(({ outcome }) => JSON.stringify(outcome));
      same(new Set(answers).size, 1);
      same(await store.read.quotaSpent(KEY.id, startsAt), 3);
      same(await store.read.openLeases(KEY.id), 1);
      same(
        (await store.read.keyUsage(KEY.id, startsAt, row.day(1).startsAt)).map(({ allowed }) => allowed),
        [2],
      );
    },
  },
  {
    name: 'quotas, leases and verifiers are forgotten a while after they are over, and not before',
    async run(store) {
      const seconds = Math.floor(NOW / 1000);
      const retention = DURATIONS.eventRetention;
      const over = (endsAt: number) => ({ startsAt: (endsAt - 3_600) as EpochSeconds, endsAt: endsAt as EpochSeconds });
      const periods = [over(seconds - retention - 1), over(seconds - retention)];
      for (const period of periods)
        await put(store, { kind: 'quota.debit', apiKey: KEY.id, period, uses: 1, limit: 1 });
      for (const [n, late] of [1, 0].entries())
        await put(store, {
          kind: 'lease.grant',
          lease: row.lease(n, { until: (seconds - DURATIONS.leaseGrace - late) as EpochSeconds }),
        });
      const verifierAge = DURATIONS.verifierInstance * 1000;
      for (const [n, late] of [1, 0].entries())
        await put(store, {
          kind: 'verifier.report',
          told: row.verifier(n, { seenAt: row.after(-verifierAge - late) }),
        });
      same([await store.expire(NOW, 2), await store.expire(NOW, 9), await store.expire(NOW, 9)], [2, 1, 0]);
      const spent = periods.map((period) => store.read.quotaSpent(KEY.id, period.startsAt));
      same(await Promise.all(spent), [0, 1]);
      same([await store.read.lease('lease.0'), (await store.read.lease('lease.1'))?.id], [undefined, 'lease.1']);
      same((await store.read.verifierInstance('v0')) === undefined, true);
      same(await store.read.verifierInstance('v1'), row.verifier(1, { seenAt: row.after(-verifierAge) }));
    },
  },
  {
    name: 'hours of uses become days after a while, in small steps, and days go after more than a year',
    async run(store) {
      const kept = DURATIONS.usageHours / 86_400;
      const old = row.day(-kept - 1).startsAt;
      const hours = [0, 1, 23, 24].map((hour) => (old + hour * 3_600) as EpochSeconds);
      const ancient = row.day(-DURATIONS.usageDays / 86_400 - 1).startsAt;
      for (const hour of [...hours, ancient])
        await put(store, { kind: 'usage.add', usage: row.usage(1, hour, { usedAt: row.after(hour - old) }) });
      while ((await store.expire(NOW, 1)) > 0);
      const [first, last] = [row.day(-kept - 1).startsAt, row.day(-kept).startsAt];
      same(await store.read.keyUsage(KEY.id, ancient, row.day(1).startsAt), [
        { ...row.usage(1, first), span: 'day', allowed: 30, refused: 3, usedAt: row.after(23 * 3_600) },
        { ...row.usage(1, last), span: 'hour', usedAt: row.after(24 * 3_600) },
      ]);
      same(await store.read.resourceUsage(row.idOf('res', 1), ancient, row.day(1).startsAt), [
        { span: 'day', startsAt: first, allowed: 30, refused: 3 },
        { span: 'hour', startsAt: last, allowed: 10, refused: 1 },
      ]);
      same(await store.read.lastUse(KEY.id), row.after(24 * 3_600));
    },
  },
];
