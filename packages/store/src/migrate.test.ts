import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { EpochMilliseconds } from '@latchkey/protocol/types';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { migrate, SchemaTooNew } from './migrate.ts';
import { MIGRATIONS } from './migrations/migrations.ts';
import { openConnection, type SqliteConnection } from './sqlite-driver.ts';

const NOW = 1_000_000 as EpochMilliseconds;
const newest = MIGRATIONS.at(-1)?.number ?? 0;
let folder: string;
let connection: SqliteConnection;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'latchkey-migrate-'));
  connection = openConnection(join(folder, 'latchkey.db'), false);
});
afterEach(() => {
  connection.close();
  rmSync(folder, { recursive: true, force: true });
});

const all = (text: string) => connection.all({ text, values: [] });
const schema = () => all("SELECT name, sql FROM sqlite_schema WHERE name NOT LIKE 'sqlite_%' ORDER BY name");
const remember = (number: number) =>
  connection.run({ text: 'INSERT INTO migrations VALUES (?, ?, ?)', values: [number, 'of a later release', NOW] });

test('migrations are numbered from one, without a gap', () => {
  expect(MIGRATIONS.map(({ number }) => number)).toEqual(MIGRATIONS.map((_, index) => index + 1));
});

test('a database is brought to this release once, and a second start changes nothing', () => {
  migrate(connection, NOW);
  const before = [schema(), all('SELECT * FROM migrations'), all('SELECT * FROM state')];
  migrate(connection, (NOW + 5_000) as EpochMilliseconds);
  expect([schema(), all('SELECT * FROM migrations'), all('SELECT * FROM state')]).toEqual(before);
  expect(all('SELECT number FROM migrations').map(({ number }) => number)).toEqual(
    MIGRATIONS.map(({ number }) => number),
  );
});

test('a schema one release ahead is lived with, one that is two ahead is refused', () => {
  migrate(connection, NOW);
  remember(newest + 1);
  const before = schema();
  migrate(connection, NOW);
  remember(newest + 2);
  expect(() => migrate(connection, NOW)).toThrow(SchemaTooNew);
  expect(schema()).toEqual(before);
});

test('a migration that fails leaves nothing of itself', () => {
  connection.exec('CREATE TABLE outbox (somebody_elses INTEGER)');
  expect(() => migrate(connection, NOW)).toThrow('outbox');
  expect(schema().map(({ name }) => name)).toEqual(['migrations', 'outbox']);
  expect(all('SELECT * FROM migrations')).toEqual([]);
});
