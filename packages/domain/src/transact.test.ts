import { NOW, put } from '@latchkey/testkit/conformance/conformance-case';
import * as row from '@latchkey/testkit/conformance/rows';
import { createMemoryStore } from '@latchkey/testkit/memory-store';
import { expect, test } from 'vitest';
import { allow, refuse, refuseWith } from './decision.ts';
import { type Store, StoreUnavailable, WriteConflict } from './ports/store.ts';
import { transact } from './transact.ts';
import type { Write } from './write.ts';

const start = (): Write => ({ kind: 'account.create', account: row.account(1), identifiers: [] });
const append: Write = { kind: 'audit.append', entry: row.entry({ account: row.account(1).id }) };

test('I6: outcome, writes and moment come back together, and the writes are there', async () => {
  const store = createMemoryStore({ now: () => NOW });
  const committed = await transact(
    store,
    (read) => read.account(row.account(1).id),
    (before) => allow(before, [start(), append]),
  );
  const position = { epoch: Math.floor(NOW / 1000), seq: 0 };
  expect(committed).toEqual({
    outcome: { ok: true, value: undefined },
    writes: [start(), append],
    moment: { now: NOW, position, catalogue: 0 },
  });
  expect(await store.read.account(row.account(1).id)).toEqual(row.account(1));
});

test('a refusal carries its writes, and they are there too', async () => {
  const store = createMemoryStore({ now: () => NOW });
  const { outcome } = await transact(
    store,
    async () => undefined,
    () => refuse('not_found', [append]),
  );
  expect(outcome).toEqual({ ok: false, error: 'not_found' });
  expect(await store.read.audit(undefined, 9)).toMatchObject([{ event: 'logout' }]);
});

test('a decision is made again when a row that it relied on has changed, on facts read anew', async () => {
  const store = createMemoryStore({ now: () => NOW });
  await put(store, start());
  const { id } = row.account(1);
  let runs = 0;
  const { outcome } = await transact(
    store,
    (read) => read.account(id),
    (account) => {
      runs += 1;
      const version = runs === 1 ? 9 : (account?.version ?? 0);
      return allow(version, [], [{ table: 'account', id, version }]);
    },
  );
  expect([outcome, runs]).toEqual([{ ok: true, value: 1 }, 2]);
});

test('of two decisions at the same time both come about, the second on what the first has written', async () => {
  const order: number[] = [];
  const store = createMemoryStore({ now: () => NOW });
  const count = (mine: number) =>
    transact(
      store,
      (read) => read.audit(undefined, 9),
      (rows) => {
        order.push(mine);
        return allow(rows.length, [append]);
      },
    );
  const counted = await Promise.all([count(1), count(2)]);
  expect(new Set(counted.map(({ outcome }) => outcome.ok && outcome.value))).toEqual(new Set([0, 1]));
  expect(order.length).toBe(3);
});

test('the moment is read before the facts: its position never claims more than they have seen', async () => {
  const store = createMemoryStore({ now: () => NOW });
  const reads: string[] = [];
  const watched: Store = {
    ...store,
    transact: (work) =>
      store.transact((tx) =>
        work({
          ...tx,
          moment() {
            reads.push('moment');
            return tx.moment();
          },
          account(id) {
            reads.push('account');
            return tx.account(id);
          },
        }),
      ),
  };
  await transact(
    watched,
    (read) => read.account(row.account(1).id),
    () => allow(undefined),
  );
  expect(reads).toEqual(['moment', 'account']);
});

test('the faults of a store have names of their own', () => {
  expect([new WriteConflict('x').name, new StoreUnavailable('y').name]).toEqual(['WriteConflict', 'StoreUnavailable']);
});

test('a refusal that says where says it with the outcome', async () => {
  const { outcome, detail } = await transact(
    createMemoryStore({ now: () => NOW }),
    async () => undefined,
    () => refuseWith({ error: 'field_invalid', detail: 'It is the name.' }),
  );
  expect([outcome, detail]).toEqual([{ ok: false, error: 'field_invalid' }, 'It is the name.']);
});
