import { type EpochSeconds, later, type Sha256, seconds } from '@latchkey/protocol/types';
import { NOW, put } from '@latchkey/testkit/conformance/conformance-case';
import * as row from '@latchkey/testkit/conformance/rows';
import { createMemoryStore } from '@latchkey/testkit/memory-store';
import { expect, test } from 'vitest';
import { decideUseOnce, loadUseOnce } from './use-once.ts';

const moment = { now: NOW, position: { epoch: 5, seq: 12 }, catalogue: 1 };
const command = {
  resourceId: row.idOf('res', 1),
  hash: 'h' as Sha256,
  exp: (seconds(NOW) + 300) as EpochSeconds,
  pos: { epoch: 5, seq: 7 },
};
const seen = { outcome: { ok: true, value: 'seen' }, expects: [], writes: [] };

test('the first use of a token is remembered for as long as any verifier could accept it', () => {
  const used = { resourceId: command.resourceId, hash: command.hash, expiresAt: later(NOW, 480_000) };
  expect(decideUseOnce(false, command, moment)).toEqual({
    outcome: { ok: true, value: 'first' },
    expects: [],
    writes: [{ kind: 'replay.consume', used }],
  });
});

test('the second use is none, and writes nothing', () => {
  expect(decideUseOnce(true, command, moment)).toEqual(seen);
});

test.each([4, 5, 6])(
  'a token of the history %d of the log, which is in its fifth: what was used in another is lost',
  (epoch) => {
    const decided = decideUseOnce(false, { ...command, pos: { epoch, seq: 999 } }, moment);
    expect(decided.outcome).toEqual({ ok: true, value: epoch === 5 ? 'first' : 'seen' });
  },
);

test.each([
  [-179, 'first'],
  [-180, 'seen'],
  [-181, 'seen'],
] as const)('a token whose exp lies %d seconds away is %s: its row would go at once', (offset, use) => {
  const exp = (seconds(NOW) + offset) as EpochSeconds;
  expect(decideUseOnce(false, { ...command, exp }, moment).outcome).toEqual({ ok: true, value: use });
});

test('a use is looked up by its resource and the hash of its token', async () => {
  const store = createMemoryStore({ now: () => NOW });
  const { resourceId, hash } = command;
  await put(store, { kind: 'replay.consume', used: { resourceId, hash, expiresAt: NOW } });
  expect(await loadUseOnce(store.read, command)).toBe(true);
  expect(await loadUseOnce(store.read, { ...command, resourceId: row.idOf('res', 2) })).toBe(false);
});
