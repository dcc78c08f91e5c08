import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Write } from '@latchkey/domain/write';
import { auditMac, NOW } from '@latchkey/testkit/conformance/conformance-case';
import { account } from '@latchkey/testkit/conformance/rows';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openSqlite, type SqliteStore } from './sqlite.ts';

const options = {
  now: () => NOW,
  auditMac,
  onFault: (error: Error) => {
    throw error;
  },
};
let folder: string;
let store: SqliteStore;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'latchkey-sqlite-'));
  store = await openSqlite({ ...options, path: join(folder, 'latchkey.db'), limits: { memberMilliseconds: 50 } });
});
afterEach(async () => {
  await store.close();
  rmSync(folder, { recursive: true, force: true });
});

const create = (number: number): Write => ({ kind: 'account.create', account: account(number), identifiers: [] });
const accounts = async () => (await store.read.accounts({ after: undefined, limit: 10 })).length;

test('a file belongs to one process: a second one that opens it is refused, and the first goes on', async () => {
  await expect(openSqlite({ ...options, path: join(folder, 'latchkey.db') })).rejects.toThrow(
    'another server process uses',
  );
  await store.transact((tx) => tx.apply([], [create(1)]));
  expect(await accounts()).toBe(1);
});

test('a transaction that goes on after its turn writes nothing', async () => {
  let goOn = () => {};
  const late = new Promise<void>((resolve) => {
    goOn = resolve;
  });
  let after: unknown;
  const stopped = store.transact(async (tx) => {
    await late;
    after = await tx.apply([], [create(1)]).catch((error: Error) => error.message);
  });
  await expect(stopped).rejects.toThrow('a transaction awaited something else than the store');
  goOn();
  await store.transact((tx) => tx.apply([], [create(2)]));
  expect([after, await accounts()]).toEqual(['a transaction writes after its turn', 1]);
});
