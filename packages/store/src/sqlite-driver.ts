import { chmodSync, mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { StoreUnavailable } from '@latchkey/domain/ports/store';
import type { Query, Row } from './sql.ts';

/** The one place that knows `node:sqlite`: a connection with prepared statements that are kept. */
export interface SqliteConnection {
  all(query: Query): readonly Row[];
  /** Runs a statement and returns how many rows it changed. */
  run(query: Query): number;
  /** Runs fixed text without values. */
  exec(text: string): void;
  isTransaction(): boolean;
  close(): void;
}

export function openConnection(path: string, readOnly: boolean): SqliteConnection {
  if (path !== ':memory:') mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  const database = new DatabaseSync(path, { readOnly, timeout: 5_000 });
  if (path !== ':memory:' && !readOnly) chmodSync(path, 0o600);
  const statements = new Map<string, StatementSync>();
  const prepared = (text: string): StatementSync => {
    let statement = statements.get(text);
    if (statement === undefined) {
      statement = database.prepare(text);
      statements.set(text, statement);
    }
    return statement;
  };
  return {
    all: ({ text, values }) => prepared(text).all(...values) as unknown as readonly Row[],
    run: ({ text, values }) => Number(prepared(text).run(...values).changes),
    exec: (text) => prepared(text).run(),
    isTransaction: () => database.isTransaction,
    close() {
      statements.clear();
      database.close();
    },
  };
}

/** What must hold of every connection that writes, and is read back: a pragma that did not take is silent. */
const PRAGMAS: Readonly<Record<string, string | number>> = {
  journal_mode: 'wal',
  synchronous: 2,
  foreign_keys: 1,
  trusted_schema: 0,
  cell_size_check: 1,
};

/** Sets the pragmas and reads them back. Throws when one did not take. */
export function setPragmas(connection: SqliteConnection, isMemory: boolean): void {
  for (const [name, wanted] of Object.entries(PRAGMAS)) {
    if (isMemory && name === 'journal_mode') continue;
    connection.all({ text: `PRAGMA ${name} = ${wanted}`, values: [] });
    const [row] = connection.all({ text: `PRAGMA ${name}`, values: [] });
    const found = row === undefined ? undefined : Object.values(row)[0];
    if (found !== wanted) throw new StoreUnavailable(`SQLite did not take PRAGMA ${name} = ${wanted}: it is ${found}`);
  }
}

/** True for an error that SQLite made, whatever it is about, or that its connection is closed. */
export const isSqliteError = (error: unknown): error is Error =>
  error instanceof Error &&
  'code' in error &&
  (error.code === 'ERR_SQLITE_ERROR' || error.code === 'ERR_INVALID_STATE');
