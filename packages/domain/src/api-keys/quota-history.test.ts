import type { Lease } from '@latchkey/protocol/api-key-terms';
import type { EpochMilliseconds } from '@latchkey/protocol/types';
import { NOW } from '@latchkey/testkit/conformance/conformance-case';
import * as row from '@latchkey/testkit/conformance/rows';
import { createMemoryStore } from '@latchkey/testkit/memory-store';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { transact } from '../transact.ts';
import { decideUse, loadQuota, periodOf } from './quota.ts';
import { decideReport, loadReport, type ReportCommand } from './report.ts';

/** Histories of one key and its verifiers on a store in memory: leases, losses, reports that come twice or too late. */

const API = row.resource(1);
const VERIFIERS = 3;

type Step =
  | { readonly kind: 'wait'; readonly seconds: number }
  /** A verifier reports: it closes some of what it holds and asks for more. Its answer may be lost. */
  | { readonly kind: 'report'; readonly verifier: number; readonly closes: boolean; readonly isLost: boolean }
  /** A report of before comes once more. */
  | { readonly kind: 'repeat'; readonly verifier: number; readonly nth: number }
  | { readonly kind: 'use'; readonly verifier: number; readonly times: number }
  /** The process ends, with all that it held. */
  | { readonly kind: 'crash'; readonly verifier: number }
  /** Somebody without a lease asks about each use. */
  | { readonly kind: 'ask' };

const verifier = fc.nat(VERIFIERS - 1);
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('wait'), seconds: fc.integer({ min: 1, max: 900 }) }) },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('report'),
      verifier,
      closes: fc.boolean(),
      isLost: fc.boolean(),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('repeat'), verifier, nth: fc.nat(3) }) },
  { weight: 5, arbitrary: fc.record({ kind: fc.constant('use'), verifier, times: fc.integer({ min: 1, max: 30 }) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('crash'), verifier }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('ask') }) },
);

interface Held extends Lease {
  used: number;
}

async function play(quota: number, steps: readonly Step[]) {
  let now: EpochMilliseconds = NOW;
  const store = createMemoryStore({ now: () => now });
  const key = row.apiKey(1, { resource: API.identifier, quota: { uses: quota, period: 'hour' } });
  const allowed = new Map<number, number>();
  const held: Held[][] = Array.from({ length: VERIFIERS }, () => []);
  const names = Array.from({ length: VERIFIERS }, (_, n) => `v${n}`);
  const sent: ReportCommand[][] = Array.from({ length: VERIFIERS }, () => []);
  let count = 0;
  const startOf = () => periodOf('hour', now).startsAt;
  const allow = (startsAt: number) => allowed.set(startsAt, (allowed.get(startsAt) ?? 0) + 1);

  const tell = async (command: ReportCommand) => {
    const { outcome } = await transact(
      store,
      (read, moment) => loadReport({ ...read, apiKey: async () => key }, command, moment),
      (facts, moment) => decideReport(facts, command, moment),
    );
    return outcome.ok ? outcome.value.answer.leases : [];
  };

  const run: { readonly [K in Step['kind']]: (of: Extract<Step, { kind: K }>) => Promise<void> } = {
    async wait({ seconds }) {
      now = (now + seconds * 1000) as EpochMilliseconds;
    },
    async report({ verifier: n, closes, isLost }) {
      count += 1;
      const command: ReportCommand = {
        resource: API,
        instance: names[n] ?? '',
        number: count,
        usage: [],
        closed: closes ? (held[n] ?? []).map(({ id, used }) => ({ id, used })) : [],
        renew: [key.id],
        rates: [],
        leaseIds: `${count}`,
      };
      sent[n]?.push(command);
      if (closes) held[n] = [];
      const leases = await tell(command);
      if (!isLost) held[n]?.push(...leases.map((lease) => ({ ...lease, used: 0 })));
    },
    async repeat({ verifier: n, nth }) {
      const command = sent[n]?.at(-1 - nth);
      if (command !== undefined) await tell(command);
    },
    async use({ verifier: n, times }) {
      for (let time = 0; time < times; time++) {
        // its clock may be late: it goes on with a lease of a period that is over
        const lease = held[n]?.find(({ used, uses, until }) => used < uses && now / 1000 < until + 30);
        if (lease === undefined) return;
        lease.used += 1;
        allow(lease.reset - 3_600);
      }
    },
    async crash({ verifier: n }) {
      held[n] = [];
      count += 1;
      names[n] = `again ${count}`;
      sent[n] = [];
    },
    async ask() {
      const { outcome } = await transact(
        store,
        (read, moment) => loadQuota(read, key, moment),
        (facts, moment) => decideUse(facts, moment),
      );
      if (outcome.ok) allow(startOf());
    },
  };
  for (const one of steps) {
    await (run[one.kind] as (of: Step) => Promise<void>)(one);
    for (const [startsAt, times] of allowed) {
      const spent = await store.read.quotaSpent(key.id, startsAt as never);
      expect(times).toBeLessThanOrEqual(spent);
      expect(spent).toBeLessThanOrEqual(quota);
    }
  }
  return { allowed, store, key };
}

test('a quota is never overshot, whatever is lost, repeated or late', { timeout: 60_000 }, async () => {
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 1, max: 200 }), fc.array(step, { maxLength: 60 }), async (quota, steps) => {
      await play(quota, steps);
    }),
    { numRuns: 300 },
  );
});

test('what a verifier gives back can all be used: nothing is lost where nothing is lost on the way', async () => {
  const report = (verifier: number) => ({ kind: 'report', verifier, closes: true, isLost: false }) as const;
  const use = (verifier: number) => ({ kind: 'use', verifier, times: 30 }) as const;
  const steps = Array.from({ length: 200 }, (_, n) => [report(n % VERIFIERS), use(n % VERIFIERS)]).flat();
  const closing = Array.from({ length: VERIFIERS }, (_, n) => report(n));
  const { allowed } = await play(100, [...steps, ...closing]);
  expect([...allowed.values()]).toEqual([100]);
});
