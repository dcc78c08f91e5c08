import type { Lease } from '@latchkey/protocol/api-key-terms';
import type { EpochSeconds } from '@latchkey/protocol/types';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createLeases } from './leases.ts';
import { createRateBucket } from './rate-bucket.ts';

const QUOTA = 12;
const VERIFIERS = 3;
const someVerifier = fc.nat({ max: VERIFIERS - 1 });
const step = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ kind: fc.constant('use'), of: someVerifier, times: fc.integer({ min: 1, max: 9 }) }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant('grant'), of: someVerifier, uses: fc.integer({ min: 0, max: 12 }) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('lost grant'), of: someVerifier, uses: fc.integer({ min: 1, max: 12 }) }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('answer again'), of: someVerifier }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('report'), of: someVerifier, twice: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('lost report'), of: someVerifier }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('restart'), of: someVerifier }) },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant('pass'), of: someVerifier, times: fc.integer({ min: 1, max: 40 }) }),
  },
);

test('whatever is lost, late or comes twice: three verifiers together never allow more than the quota', () => {
  fc.assert(
    fc.property(fc.array(step, { minLength: 30, maxLength: 200 }), (steps) => {
      let now = 1_000;
      let spent = 0;
      let allowed = 0;
      let made = 0;
      const open = new Map<string, number>();
      const verifiers = Array.from({ length: VERIFIERS }, () => createLeases());
      const lately: (Lease | undefined)[] = [];
      /** As the server grants: debited before it is told. */
      function lend(wanted: number): Lease {
        const uses = Math.min(wanted, QUOTA - spent);
        spent += uses;
        const id = `lea_${++made}`;
        open.set(id, uses);
        const until = (now + 60) as EpochSeconds;
        return {
          id,
          api_key: 'key_1',
          uses,
          until,
          limit: QUOTA,
          remaining: QUOTA - spent,
          reset: 9_999 as EpochSeconds,
        };
      }
      /** As the server takes back: once, and no more than was lent. */
      function takeBack(closed: readonly { readonly id: string; readonly used: number }[]): void {
        for (const { id, used } of closed) {
          const uses = open.get(id);
          if (uses === undefined) continue;
          open.delete(id);
          spent -= uses - Math.min(uses, used);
        }
      }
      for (const one of steps) {
        const leases = verifiers[one.of] ?? createLeases();
        switch (one.kind) {
          case 'use':
            for (let n = 0; 'times' in one && n < one.times; n++) if (leases.take(now)) allowed += 1;
            break;
          case 'grant': {
            const lease = lend('uses' in one ? one.uses : 0);
            lately[one.of] = lease;
            leases.grant(lease, now);
            break;
          }
          case 'lost grant':
            lend('uses' in one ? one.uses : 0);
            break;
          case 'answer again': {
            const lease = lately[one.of];
            if (lease !== undefined) leases.grant(lease, now);
            break;
          }
          case 'report': {
            const closed = leases.closed(now, false);
            takeBack(closed);
            if ('twice' in one && one.twice) takeBack(closed);
            break;
          }
          case 'lost report':
            leases.closed(now, false);
            break;
          case 'restart':
            verifiers[one.of] = createLeases();
            lately[one.of] = undefined;
            break;
          default:
            now += 'times' in one ? one.times : 0;
        }
        expect(allowed).toBeLessThanOrEqual(QUOTA);
      }
    }),
    { numRuns: 500 },
  );
});

test('over any time, verifiers together allow the limit, what its pace adds, and the share of who is not known yet', () => {
  const [limit, seconds, interval] = [20, 10, 10];
  fc.assert(
    fc.property(fc.array(fc.record({ of: someVerifier, wait: fc.nat({ max: 2_000 }) }), { maxLength: 300 }), (uses) => {
      let time = 0;
      // each began before it was known that they are three, and hears of it after one report
      const buckets = Array.from({ length: VERIFIERS }, () =>
        createRateBucket({ limit, seconds, verifiers: 1 }, () => time),
      );
      let isShared = false;
      let allowed = 0;
      for (const { of, wait } of uses) {
        time += wait;
        if (!isShared && time >= interval * 1000) for (const bucket of buckets) bucket.share(VERIFIERS);
        isShared ||= time >= interval * 1000;
        for (let n = 0; n < 30; n++)
          if (buckets[of]?.has() === true) {
            buckets[of]?.take();
            allowed += 1;
          }
        const pace = limit / seconds;
        expect(allowed).toBeLessThanOrEqual(
          limit * VERIFIERS + pace * (time / 1000) + VERIFIERS * pace * interval + 1e-6,
        );
      }
    }),
    { numRuns: 300 },
  );
});
