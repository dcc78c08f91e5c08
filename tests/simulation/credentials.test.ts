import { expect, test } from 'vitest';
import * as planted from './credential-faults.ts';
import { runCredentialHistory } from './credential-history.ts';
import { type Fault, idleHeartbeats } from './faults.ts';
import type { Invariant } from './invariants.ts';
import { reportOf } from './report.ts';

const SEEDS = 60;
/** A machine that does many things at once may need long. */
const PATIENCE = 600_000;

test(
  `I1 and Q: in ${SEEDS} histories no credential of any kind is accepted beyond the staleness bound, and no quota is overshot`,
  async () => {
    const accepted: Record<string, number> = {};
    for (let seed = 1; seed <= SEEDS; seed++) {
      const history = await runCredentialHistory(seed);
      if (history.violation !== undefined) expect.fail(reportOf(history));
      for (const [kind, times] of Object.entries(history.accepted)) accepted[kind] = (accepted[kind] ?? 0) + times;
    }
    // else nothing was looked at
    for (const kind of ['jwt', 'opaque', 'key']) expect([kind, (accepted[kind] ?? 0) > 1_000]).toEqual([kind, true]);
  },
  PATIENCE,
);

test('the same seed gives the same history, to the letter', async () => {
  const [first, again] = [await runCredentialHistory(7), await runCredentialHistory(7)];
  expect(again).toEqual(first);
});

type Planted = readonly [what: string, Fault, Invariant, from?: number];
const PLANTED: readonly Planted[] = [
  ['verifiers that are not told of changes', planted.untoldChanges, 'I1'],
  ['verifiers that are not told of the ends of keys', planted.untoldKeys, 'I1'],
  ['verifiers that are not told of the ends of tokens', planted.untoldTokens, 'I1'],
  ['heartbeats that tell of now and not of the last read', idleHeartbeats, 'I1', 40],
  ['uses that are lent and not debited', planted.freeLeases, 'Q'],
  ['a lease that gives back more than it held', planted.generousClose, 'Q'],
];
test.each(PLANTED.map(([what, fault, invariant, from = 1]) => [what, fault, invariant, from] as const))(
  'planted: %s is found',
  async (_, fault, invariant, from) => {
    for (let seed = from; seed < from + SEEDS; seed++) {
      const { violation } = await runCredentialHistory(seed, fault);
      if (violation === undefined) continue;
      expect(violation.invariant).toBe(invariant);
      return;
    }
    expect.fail(`not found in ${SEEDS} histories`);
  },
  PATIENCE,
);
