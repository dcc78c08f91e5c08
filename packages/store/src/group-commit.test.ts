import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { StoreUnavailable } from '@latchkey/domain/ports/store';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { COMMIT_LIMITS, type CommitPort, createGroupCommit, type GroupCommit } from './group-commit.ts';
import { isSqliteError, openConnection, type SqliteConnection, setPragmas } from './sqlite-driver.ts';

let folder: string;
let writer: SqliteConnection;
let faults: Error[];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'latchkey-commit-'));
  writer = openConnection(join(folder, 'test.db'), false);
  setPragmas(writer, false);
  writer.exec('CREATE TABLE notes (text TEXT NOT NULL)');
  faults = [];
});
afterEach(() => {
  writer.close();
  rmSync(folder, { recursive: true, force: true });
});

/** The port on a real database; a test may put something of its own in a place. */
const port = (own: Partial<CommitPort> = {}): CommitPort => ({
  begin: () => writer.exec('BEGIN IMMEDIATE'),
  commit: () => writer.exec('COMMIT'),
  rollback: () => writer.exec('ROLLBACK'),
  savepoint: () => writer.exec('SAVEPOINT member'),
  release: () => writer.exec('RELEASE member'),
  rollbackToSavepoint: () => writer.exec('ROLLBACK TO member'),
  isOpen: () => writer.isTransaction(),
  explain: (error) => (isSqliteError(error) ? new StoreUnavailable(error.message) : (error as Error)),
  ...own,
});
const commits = (limits: Partial<typeof COMMIT_LIMITS> = {}, own: Partial<CommitPort> = {}): GroupCommit =>
  createGroupCommit(port(own), { ...COMMIT_LIMITS, ...limits }, (error) => faults.push(error));

const note = (text: string) => writer.run({ text: 'INSERT INTO notes VALUES (?)', values: [text] });
const notes = () => writer.all({ text: 'SELECT text FROM notes ORDER BY rowid', values: [] }).map(({ text }) => text);
/** How many commits there were. */
const counted = (): { readonly own: Partial<CommitPort>; readonly count: () => number } => {
  let count = 0;
  const commit = () => {
    count += 1;
    writer.exec('COMMIT');
  };
  return { own: { commit }, count: () => count };
};
const outcomes = async (all: readonly Promise<unknown>[]) =>
  (await Promise.allSettled(all)).map((one) =>
    one.status === 'fulfilled' ? one.value : `${(one.reason as Error).name}: ${(one.reason as Error).message}`,
  );

test('those who wait share one commit, and run one after another in their order', async () => {
  const { own, count } = counted();
  const group = commits({}, own);
  const running = ['a', 'b', 'c'].map((text) =>
    group.run(async () => {
      const seen = notes();
      await Promise.resolve();
      note(text);
      return seen;
    }),
  );
  expect(await Promise.all(running)).toEqual([[], ['a'], ['a', 'b']]);
  expect(count()).toBe(1);
});

test('no outcome leaves before the commit, not even that of a member without writes or of one that failed', async () => {
  const order: string[] = [];
  const commit = () => {
    writer.exec('COMMIT');
    order.push('commit');
  };
  const group = commits({}, { commit });
  await Promise.all([
    group.run(async () => note('a')).then(() => order.push('writer')),
    group.run(async () => notes().length).then(() => order.push('reader')),
    group.run(() => Promise.reject(new Error('no'))).catch(() => order.push('failed')),
  ]);
  expect(order).toEqual(['commit', 'writer', 'reader', 'failed']);
});

test('an error of one member undoes its writes only', async () => {
  const group = commits();
  const running = [
    group.run(async () => note('kept')),
    group.run(async () => {
      note('undone');
      throw new TypeError('a bug');
    }),
    group.run(async () => note('kept too')),
  ];
  expect(await outcomes(running)).toEqual([1, 'TypeError: a bug', 1]);
  expect(notes()).toEqual(['kept', 'kept too']);
});

test('a database that drops the whole transaction fails every member of the batch, and the next batch is served', async () => {
  const group = commits();
  const running = [
    group.run(async () => note('before')),
    group.run(async () => writer.exec('ROLLBACK')), // as SQLITE_FULL and some others do by themselves
    group.run(async () => note('after')),
  ];
  expect(await outcomes(running)).toEqual([
    'StoreUnavailable: no such savepoint: member',
    'StoreUnavailable: no such savepoint: member',
    1,
  ]);
  expect([notes(), faults]).toEqual([['after'], []]);
});

test('a full database is told to whoever is concerned; nothing of it is kept, and what fits is still written', async () => {
  writer.all({ text: 'PRAGMA max_page_count = 20', values: [] });
  const group = commits();
  const [first, full] = await outcomes([
    group.run(async () => note('small')),
    group.run(async () => note('x'.repeat(200_000))),
  ]);
  expect(full).toMatch(/^StoreUnavailable: /);
  // whether the neighbour survived is SQLite's choice; what it was told is the truth
  expect(notes()).toEqual(first === 1 ? ['small'] : []);
  expect(await group.run(async () => note('later'))).toBe(1);
});

test('an error at the commit fails every member, and is a fault of the process', async () => {
  const group = commits(
    {},
    {
      commit: () => {
        throw new Error('input/output error');
      },
    },
  );
  expect(await outcomes([group.run(async () => note('a')), group.run(async () => 'read')])).toEqual([
    'Error: input/output error',
    'Error: input/output error',
  ]);
  expect([faults.map(({ message }) => message), notes()]).toEqual([['input/output error'], []]);
});

test('a batch takes as many members as it may, and one more goes into the next', async () => {
  for (const [members, batches] of [
    [2, 1],
    [3, 1],
    [4, 2],
  ] as const) {
    const { own, count } = counted();
    const group = commits({ batchMax: 3, batchMilliseconds: 60_000 }, own);
    await Promise.all(Array.from({ length: members }, () => group.run(async () => undefined)));
    expect([members, count()]).toEqual([members, batches]);
  }
});

test('a batch whose time is over takes nobody more, but always one', async () => {
  const { own, count } = counted();
  const group = commits({ batchMilliseconds: 0 }, own);
  expect(await outcomes([group.run(async () => note('a')), group.run(async () => note('b'))])).toEqual([1, 1]);
  expect(count()).toBe(2);
});

test('as many may wait as the queue is long; one more is refused at once', async () => {
  const group = commits({ queueMax: 2 });
  const running = ['a', 'b', 'c'].map((text) => group.run(async () => note(text)));
  expect(await outcomes(running)).toEqual([1, 1, 'StoreUnavailable: too many transactions wait']);
  expect(notes()).toEqual(['a', 'b']);
});

test('a member that awaits something else than the store is stopped, and the others are not kept waiting', async () => {
  const group = commits({ memberMilliseconds: 20 });
  const running = [group.run(() => new Promise(() => {})), group.run(async () => note('a'))];
  expect(await outcomes(running)).toEqual(['Error: a transaction awaited something else than the store', 1]);
});

test('work that goes on after its turn can tell', async () => {
  const group = commits({ memberMilliseconds: 20 });
  const seen: boolean[] = [];
  let goOn = () => {};
  const late = new Promise<void>((resolve) => {
    goOn = resolve;
  });
  const stopped = group.run(async (turn) => {
    seen.push(turn.isOver);
    await late;
    seen.push(turn.isOver);
  });
  expect(await outcomes([stopped])).toEqual(['Error: a transaction awaited something else than the store']);
  goOn();
  await Promise.resolve();
  expect(seen).toEqual([false, true]);
});

test('who waits when the store closes is served or told; who comes after it is told', async () => {
  const group = commits();
  const running = group.run(async () => note('a'));
  await group.close();
  expect(await running).toBe(1);
  expect(await outcomes([group.run(async () => note('b'))])).toEqual(['StoreUnavailable: the store is closed']);
});
