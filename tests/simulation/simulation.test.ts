import { expect, test } from 'vitest';
import { expectFound } from './expect-histories.ts';
import * as faults from './faults.ts';
import { runHistory } from './history.ts';
import { type Output, simulate } from './simulate.ts';

test('the same seed gives the same history, to the letter', async () => {
  const seeds = [1, 2, 3, 4, 5, 6, 7, 8];
  const once = [];
  for (const seed of seeds) once.push(await runHistory(seed));
  const again = [];
  for (const seed of seeds.toReversed()) again.unshift(await runHistory(seed));
  expect(again).toEqual(once);
  expect(new Set(once.map(({ trace }) => trace.join('\n'))).size).toBe(seeds.length);
});

// Mistakes of the kind that reviews miss. Each is found by what it breaks, within so many histories.
expectFound([
  ['an overlap that never ends', faults.endlessOverlap, 'I3', 100],
  ['a rotation that is answered and not written', faults.forgottenRotation, 'I10', 10],
  ['one more successor within the overlap', faults.secondSuccessor, 'I2', 100],
  ['a reuse that is refused and forgiven', faults.forgivenReuse, 'I1', 400],
  ['a token that says the place of its minting', faults.placeOfMinting, 'I1', 2_000, 1_400],
  ['a feed that skips an event after a reconnection', faults.skippedEvent, 'I1', 600],
  ['a feed that loses what happens between snapshot and live', faults.lostBetween, 'I1', 150],
  ['heartbeats that tell of now and not of the last read', faults.idleHeartbeats, 'I1', 500],
]);

function listener() {
  const said: string[] = [];
  const say =
    (kind: string) =>
    (...words: readonly unknown[]) =>
      void said.push(`${kind} ${words.join(' ')}`);
  const output: Output = { out: say('out'), error: say('error'), progress: say('progress') };
  return { said, output };
}

const good = async (seed: number) => ({ seed, violation: undefined, trace: [`trace of ${seed}`] });
const bad = async (seed: number) => ({
  ...(await good(seed)),
  violation: { invariant: 'I2', milliseconds: 1_500, what: 'f1.0 has two successors' } as const,
});

test('the command runs seeds one after another, and says that all is well', async () => {
  const { said, output } = listener();
  expect(await simulate(['--histories', '2', '--seed', '7', '--trace'], output, good)).toBe(0);
  expect(said).toEqual([
    'out seed 7\ntrace of 7',
    'progress 1 2',
    'out seed 8\ntrace of 8',
    'progress 2 2',
    'out 2 histories from seed 7: nothing is violated.',
  ]);
});

test('the command stops at a violation, shows it, and says how to see it again', async () => {
  const { said, output } = listener();
  expect(await simulate(['--seed', '7'], output, (seed) => (seed === 8 ? bad(seed) : good(seed)))).toBe(1);
  expect(said).toEqual([
    'progress 1 1000',
    [
      'error Seed 8 violates I2 after 1.500 s: f1.0 has two successors',
      'Replay: npm run simulate -- --seed 8 --histories 1 --trace',
      'trace of 8',
    ].join('\n'),
  ]);
});

test.each([['--histories', '0'], ['--histories', 'many'], ['--seed', '-1'], ['--unknown']])(
  'the command does not take %s %s',
  async (...args) => {
    const { said, output } = listener();
    expect(await simulate(args, output, good)).toBe(2);
    expect(said).toEqual([expect.stringContaining('Usage: npm run simulate')]);
  },
);

test('the command tells of itself', async () => {
  const { said, output } = listener();
  expect(await simulate(['--help'], output, good)).toBe(0);
  expect(said).toEqual([expect.stringContaining('--histories <number>')]);
});
