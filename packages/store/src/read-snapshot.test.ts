import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createReadSnapshot, type ReadSnapshot } from './read-snapshot.ts';
import { openConnection, type SqliteConnection, setPragmas } from './sqlite-driver.ts';

let folder: string;
let writer: SqliteConnection;
let reader: SqliteConnection;
let snapshot: ReadSnapshot;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'latchkey-snapshot-'));
  writer = openConnection(join(folder, 'test.db'), false);
  setPragmas(writer, false);
  writer.exec('CREATE TABLE notes (text TEXT)');
  reader = openConnection(join(folder, 'test.db'), true);
  snapshot = createReadSnapshot(reader);
});
afterEach(() => {
  snapshot.close();
  writer.close();
  rmSync(folder, { recursive: true, force: true });
});

const count = () => snapshot.all({ text: 'SELECT count(*) AS count FROM notes', values: [] })[0]?.count;
const insert = () => writer.exec("INSERT INTO notes VALUES ('a')");

test('reads of one turn of the loop see one state; those of the next see what was committed', async () => {
  expect(count()).toBe(0);
  insert();
  expect(count()).toBe(0);
  await new Promise(setImmediate);
  expect(count()).toBe(1);
});

test('what is read after the end of a view sees what was committed before', () => {
  expect(count()).toBe(0);
  snapshot.end();
  insert();
  expect(count()).toBe(1);
});

test('no view is held while nobody reads: a checkpoint can take everything', async () => {
  count();
  await new Promise(setImmediate);
  expect(reader.isTransaction()).toBe(false);
  insert();
  const [result] = writer.all({ text: 'PRAGMA wal_checkpoint(TRUNCATE)', values: [] });
  expect(result).toEqual({ busy: 0, log: 0, checkpointed: 0 });
});

test('a read that fails leaves the next one in order', async () => {
  expect(() => snapshot.all({ text: 'SELECT text FROM nowhere', values: [] })).toThrow('nowhere');
  expect(count()).toBe(0);
  await new Promise(setImmediate);
  expect(reader.isTransaction()).toBe(false);
});
