import { describe, expect, test } from 'vitest';
import { auditMac, NOW, put } from './conformance/conformance-case.ts';
import * as row from './conformance/rows.ts';
import { createMemoryStore } from './memory-store.ts';
import { STORE_CONFORMANCE } from './store-conformance.ts';

describe('the simulated store', () => {
  for (const { name, run } of STORE_CONFORMANCE) test(name, () => run(createMemoryStore({ now: () => NOW, auditMac })));

  for (const { name, run } of STORE_CONFORMANCE)
    test(`with a pause before each commit: ${name}`, () =>
      run(createMemoryStore({ now: () => NOW, auditMac, beforeCommit: () => new Promise((r) => setImmediate(r)) })));
});

const start = { kind: 'session.start', session: row.session(1) } as const;

test('a crash before the commit leaves nothing, and no answer', async () => {
  const store = createMemoryStore({ now: () => NOW, beforeCommit: async () => store.crash() });
  const before = store.committed;
  await expect(put(store, start)).rejects.toThrow('died before its commit');
  expect(store.committed).toBe(before);
});

test('a crash after the commit leaves all of it, and no answer', async () => {
  const store = createMemoryStore({ now: () => NOW, afterCommit: async () => store.crash() });
  await expect(put(store, start)).rejects.toThrow('died before its answer');
  expect(await store.read.session(row.idOf('ses', 1))).toEqual(row.session(1));
});

test('a restored state is what it was, whatever came after it', async () => {
  const store = createMemoryStore({ now: () => NOW });
  const backup = store.committed;
  await put(store, start);
  store.restore(backup);
  expect(await store.read.session(row.idOf('ses', 1))).toBeUndefined();
});
