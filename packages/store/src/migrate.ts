import type { EpochMilliseconds } from '@latchkey/protocol/types';
import { render, SQLITE } from './migrations/migration.ts';
import { MIGRATIONS } from './migrations/migrations.ts';
import type { SqliteConnection } from './sqlite-driver.ts';
import { state } from './tables/state.ts';

/** A database that a later release has changed, in a way that this one may not know. */
export class SchemaTooNew extends Error {
  override readonly name = 'SchemaTooNew';
}

/**
 * Brings the schema to this release, one migration a transaction. `BEGIN IMMEDIATE` lets one process at a time look
 * and change, so that two that start at once do not both migrate. A schema one step ahead is fine: a migration leaves
 * what the version before can live with.
 */
export function migrate(connection: SqliteConnection, now: EpochMilliseconds): void {
  connection.exec(
    'CREATE TABLE IF NOT EXISTS migrations (number INTEGER PRIMARY KEY, name TEXT NOT NULL, at INTEGER NOT NULL) STRICT',
  );
  const newest = MIGRATIONS.at(-1)?.number ?? 0;
  if (appliedOf(connection) > newest + 1)
    throw new SchemaTooNew('the database belongs to a release that is two or more steps newer');
  for (const migration of MIGRATIONS) {
    connection.exec('BEGIN IMMEDIATE');
    try {
      if (appliedOf(connection) < migration.number) {
        for (const statement of render(migration, SQLITE)) connection.exec(statement);
        connection.run({
          text: 'INSERT INTO migrations VALUES (?, ?, ?)',
          values: [migration.number, migration.name, now],
        });
      }
      connection.run(state.insert(Math.floor(now / 1000)));
      connection.exec('COMMIT');
    } catch (error) {
      connection.exec('ROLLBACK');
      throw error;
    }
  }
}

const appliedOf = (connection: SqliteConnection): number =>
  Number(connection.all({ text: 'SELECT COALESCE(max(number), 0) AS number FROM migrations', values: [] })[0]?.number);
