import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Reader } from '@latchkey/domain/ports/reader';
import type { Write } from '@latchkey/domain/write';
import { later, seconds } from '@latchkey/protocol/types';
import { auditMac, NOW, put } from '@latchkey/testkit/conformance/conformance-case';
import { client, idOf } from '@latchkey/testkit/conformance/rows';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createKeptRows, UNCHANGED } from './kept-rows.ts';
import { openSqlite, type SqliteStore } from './sqlite.ts';

const onFault = (error: Error) => {
  throw error;
};
const id = idOf('cli', 1);
const remove: Write = { kind: 'client.delete', id, at: NOW };
const deletedAt = async (reader: Reader) => (await reader.client(id))?.deletedAt;

const END = seconds(later(NOW, 60_000));

let time = 0;
let folder: string;
let store: SqliteStore;
beforeEach(async () => {
  time = 0;
  folder = mkdtempSync(join(tmpdir(), 'latchkey-rows-'));
  store = await openSqlite({ path: join(folder, 'latchkey.db'), now: () => later(NOW, time), auditMac, onFault });
  await put(store, { kind: 'client.create', client: client(1) });
});
afterEach(async () => {
  await store.close();
  rmSync(folder, { recursive: true, force: true });
});

test('a row that was read once is read from memory, in and outside of transactions', async () => {
  const row = await store.read.client(id);
  expect(await store.read.client(id)).toBe(row);
  expect(await store.transact((tx) => tx.client(id))).toBe(row);
});

test('a change is seen by every read that begins after its commit', async () => {
  expect(await deletedAt(store.read)).toBeUndefined();
  await put(store, remove);
  expect([await deletedAt(store.read), await store.transact(deletedAt)]).toEqual([NOW, NOW]);
});

test('a change that is not committed is seen in its own batch, and by nobody outside', async () => {
  expect(await deletedAt(store.read)).toBeUndefined();
  const seen = await Promise.all([
    store.transact(async (tx) => {
      await tx.apply([], [remove]);
      return [await deletedAt(tx), await deletedAt(store.read)];
    }),
    store.transact(async (tx) => [await deletedAt(tx), await deletedAt(store.read)]),
  ]);
  expect(seen).toEqual([
    [NOW, undefined],
    [NOW, undefined],
  ]);
  expect(await deletedAt(store.read)).toBe(NOW);
});

test('what a failed transaction changed is not kept', async () => {
  const failed = store.transact(async (tx) => {
    await tx.apply([], [remove]);
    await tx.client(id);
    throw new Error('no');
  });
  await expect(failed).rejects.toThrow('no');
  expect([await deletedAt(store.read), await store.transact(deletedAt)]).toEqual([undefined, undefined]);
});

const emit: Write = { kind: 'revocation.emit', event: { kind: 'family', id: idOf('fam', 1), exp: END } };
const place = async (reader: Reader) => (await reader.moment()).position.seq;

test('how far the log is, is kept until a commit moves it; its own batch sees it before, and nobody outside', async () => {
  expect([await place(store.read), await place(store.read)]).toEqual([0, 0]);
  const seen = await Promise.all([
    store.transact(async (tx) => {
      await tx.apply([], [emit]);
      return [await place(tx), await place(store.read)];
    }),
    store.transact(async (tx) => [await place(tx), await place(store.read)]),
  ]);
  expect(seen).toEqual([
    [1, 0],
    [1, 0],
  ]);
  expect([await place(store.read), await store.transact(place)]).toEqual([1, 1]);
});

test('a store that is closed answers nothing from memory', async () => {
  await Promise.all([store.read.client(id), store.read.moment()]);
  await store.close();
  await expect(store.read.client(id)).rejects.toThrow();
  await expect(store.read.moment()).rejects.toThrow();
  store = await openSqlite({ path: join(folder, 'latchkey.db'), now: () => NOW, auditMac, onFault });
});

test('a moment that is kept has the time of now', async () => {
  const moments = [await store.read.moment(), await store.read.moment()];
  time += 5;
  moments.push(await store.read.moment(), await store.transact((tx) => tx.moment()));
  expect(moments.map(({ now }) => now - NOW)).toEqual([0, 0, 5, 5]);
});

test('a row that was read before a commit is not kept after it', async () => {
  const rows = createKeptRows(10, () => NOW);
  let deliver = (_: ReturnType<typeof client>) => {};
  const slow = new Promise<ReturnType<typeof client>>((resolve) => {
    deliver = resolve;
  });
  const fresh = { ...client(1), name: 'fresh' };
  const answers = [slow, Promise.resolve(fresh)];
  const reader = rows.keptFor({ ...store.read, client: async () => answers.shift() }, () => UNCHANGED);
  const first = reader.client(id);
  rows.forget({ catalogue: true, state: true });
  deliver(client(1));
  expect([await first, await reader.client(id)]).toEqual([client(1), fresh]);
});

test('as many rows are kept as there is room for; one more, and all are read anew', async () => {
  const rows = createKeptRows(2, () => NOW);
  let reads = 0;
  const reader = rows.keptFor(
    {
      ...store.read,
      client: async () => {
        reads += 1;
        return client(reads);
      },
    },
    () => UNCHANGED,
  );
  const read = async (number: number) => {
    await reader.client(idOf('cli', number));
    return reads;
  };
  expect([await read(1), await read(2), await read(1), await read(3), await read(3), await read(1)]).toEqual([
    1, 2, 2, 3, 3, 4,
  ]);
});

test('what is not there is asked for again: an id that somebody made up takes no room', async () => {
  expect(await store.read.client(idOf('cli', 2))).toBeUndefined();
  await put(store, { kind: 'client.create', client: client(2) });
  expect((await store.read.client(idOf('cli', 2)))?.id).toBe(idOf('cli', 2));
});
