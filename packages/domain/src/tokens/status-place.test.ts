import { LIMITS } from '@latchkey/protocol/limits';
import { NOW, put } from '@latchkey/testkit/conformance/conformance-case';
import * as row from '@latchkey/testkit/conformance/rows';
import { createMemoryStore } from '@latchkey/testkit/memory-store';
import { expect, test } from 'vitest';
import { decideStatusPlace, loadStatusPlace, STATUS_LIST_SIZE, type StatusPlaceCommand } from './status-place.ts';

const { status: _, ...record } = row.tokenRecord(1);
const command: StatusPlaceCommand = { record, candidates: [7, 8, 9] };
const placed = (list: number, index: number) => ({
  outcome: { ok: true, value: { list, index } },
  expects: [],
  writes: [
    { kind: 'status_list.take', place: { list, index } },
    {
      kind: 'token.record',
      record: { ...record, status: { list, index } },
      max: LIMITS.statusRecordsPerClientMax,
    },
  ],
});

test('TSL-14 TSL §12.1: a token gets a place that no other had, and its record goes with it', () => {
  expect(decideStatusPlace({ newest: { number: 3, taken: 5 }, free: 8, listed: 0 }, command)).toEqual(placed(3, 8));
});

test('where there is no list yet, or no room in the newest, the token begins another', () => {
  expect(decideStatusPlace({ newest: undefined, free: undefined, listed: 0 }, command)).toEqual(placed(1, 7));
  expect(decideStatusPlace({ newest: { number: 3, taken: 5 }, free: undefined, listed: 0 }, command)).toEqual(
    placed(4, 7),
  );
});

test('the first place is looked for that was never taken, whether or not its token still lives', async () => {
  const store = createMemoryStore({ now: () => NOW });
  expect(await loadStatusPlace(store.read, command)).toEqual({ newest: undefined, free: undefined, listed: 0 });
  const take = (index: number) => put(store, { kind: 'status_list.take', place: { list: 1, index } });
  const seen: unknown[] = [];
  for (const index of command.candidates) {
    await take(index);
    seen.push((await loadStatusPlace(store.read, command)).free);
  }
  expect(seen).toEqual([8, 9, undefined]);
});

test.each([
  [STATUS_LIST_SIZE / 2 - 1, 7],
  [STATUS_LIST_SIZE / 2, undefined],
  [STATUS_LIST_SIZE / 2 + 1, undefined],
])('TSL-13 TSL §13.5: of a list with %d places taken, the next is %s', async (taken, free) => {
  const newest = { number: 1, taken };
  const read = { ...createMemoryStore({ now: () => NOW }).read, newestStatusList: async () => newest };
  expect(await loadStatusPlace(read, command)).toEqual({ newest, free, listed: 0 });
});

test.each([
  [LIMITS.statusRecordsPerClientMax - 1, true],
  [LIMITS.statusRecordsPerClientMax, false],
])(
  'TSL-10: of a client with %d tokens in lists, none makes way for another: one more is made: %s',
  (listed, isMade) => {
    const decision = decideStatusPlace({ newest: undefined, free: undefined, listed }, command);
    expect(decision.outcome.ok ? undefined : decision.outcome.error).toBe(isMade ? undefined : 'overloaded');
    expect(decision.writes.length > 0).toBe(isMade);
  },
);
