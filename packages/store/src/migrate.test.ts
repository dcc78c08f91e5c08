import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { idBytes } from '@latchkey/protocol/ids';
import type { EpochMilliseconds } from '@latchkey/protocol/types';
import { auditMac, put } from '@latchkey/testkit/conformance/conformance-case';
import { attempt, idOf } from '@latchkey/testkit/conformance/rows';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { migrate, SchemaTooNew } from './migrate.ts';
import { render, SQLITE } from './migrations/migration.ts';
import { MIGRATIONS } from './migrations/migrations.ts';
import { openSqlite } from './sqlite.ts';
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

describe('a database of the first schema', () => {
  /** Its tables, and a row in each of those that the second migration changes. */
  function fill(): void {
    const [first] = MIGRATIONS;
    for (const statement of first === undefined ? [] : render(first, SQLITE)) connection.exec(statement);
    connection.exec(
      'CREATE TABLE migrations (number INTEGER PRIMARY KEY, name TEXT NOT NULL, at INTEGER NOT NULL) STRICT',
    );
    connection.run({ text: 'INSERT INTO migrations VALUES (1, ?, ?)', values: ['first', NOW] });
    const insert = (table: string, row: Readonly<Record<string, string | number | Uint8Array>>) =>
      connection.run({
        text: `INSERT INTO ${table} (${Object.keys(row).join()}) VALUES (${Object.keys(row).fill('?').join()})`,
        values: Object.values(row),
      });
    const resource = { version: 1, name: 'x', created_at: NOW, algorithm: 'ES256', token_type: 'at+jwt' };
    const scopes = [
      { built_in: 1, scope: '[]' },
      { built_in: 1, scope: '["keys:write"]' },
      { built_in: 0, scope: '[]' },
      { built_in: 0, scope: '["read"]' },
    ];
    for (const [n, scope] of scopes.entries())
      insert('resources', {
        ...resource,
        ...scope,
        id: idBytes(idOf('res', n)),
        identifier: `https://${n}.example`,
        audience: `https://${n}.example`,
        access_token_seconds: 300,
      });
    insert('clients', {
      id: idBytes(idOf('cli', 1)),
      version: 3,
      name: 'Shop',
      created_at: NOW,
      authentication: 'none',
      first_party: 1,
      grant_types: '["refresh_token"]',
      scope: '["read"]',
      resources: '[]',
      origins: '[]',
      refresh_policy: 'rotate',
    });
    insert('sessions', {
      id: idBytes(idOf('ses', 1)),
      version: 1,
      account_id: idBytes(idOf('acc', 1)),
      created_at: NOW,
      expires_at: NOW + 60_000,
      auth_time_seconds: 1_000,
      amr: '["pwd"]',
      pos_epoch: 1,
      pos_seq: 0,
    });
    insert('attempts', {
      id: idBytes(idOf('att', 1)),
      version: 1,
      account_id: idBytes(idOf('acc', 1)),
      client_id: idBytes(idOf('cli', 1)),
      state: '{}',
      created_at: NOW,
      expires_at: NOW + 60_000,
    });
  }

  test('is brought up: what there is stays, and gets what it lacks', async () => {
    fill();
    migrate(connection, NOW);
    expect(all('SELECT scope, version FROM resources ORDER BY id')).toEqual([
      { scope: '["openid","profile","email","address","phone","offline_access"]', version: 3 },
      { scope: '["keys:write"]', version: 1 },
      { scope: '[]', version: 1 },
      { scope: '["read"]', version: 1 },
    ]);
    expect(all('SELECT number FROM migrations')).toEqual(MIGRATIONS.map(({ number }) => ({ number })));
    const before = schema();
    connection.close();

    const onFault = (error: Error) => {
      throw error;
    };
    const store = await openSqlite({ path: join(folder, 'latchkey.db'), now: () => NOW, auditMac, onFault });
    expect(await store.read.client(idOf('cli', 1))).toEqual({
      id: idOf('cli', 1),
      version: 3,
      name: 'Shop',
      createdAt: NOW,
      deletedAt: undefined,
      authentication: 'none',
      firstParty: true,
      grantTypes: ['refresh_token'],
      scope: ['read'],
      resources: [],
      origins: [],
      applicationType: 'web',
      redirectUris: [],
      postLogoutRedirectUris: [],
      backchannelLogoutUri: undefined,
      backchannelLogoutSessionRequired: false,
      sector: undefined,
      requiresPkce: true,
      idTokenAlgorithm: 'RS256',
      hasScopeClaimsInIdToken: false,
      refreshPolicy: 'rotate',
      overlapMilliseconds: undefined,
      cutOff: undefined,
    });
    expect(await store.read.session(idOf('ses', 1))).toMatchObject({ version: 1, cookie: undefined });
    expect(await store.read.attempt(idOf('att', 1))).toBeUndefined();
    await put(store, { kind: 'attempt.store', attempt: attempt(1) });
    expect(await store.read.attempt(idOf('att', 1))).toEqual(attempt(1));
    await store.close();

    connection = openConnection(join(folder, 'latchkey.db'), false);
    expect(schema()).toEqual(before);
  });

  test('has the schema of a new one', () => {
    fill();
    migrate(connection, NOW);
    const brought = schema();
    const fresh = openConnection(join(folder, 'fresh.db'), false);
    try {
      migrate(fresh, NOW);
      const text =
        "SELECT name, sql FROM sqlite_schema WHERE name NOT LIKE 'sqlite_%' AND name <> 'migrations' ORDER BY name";
      expect(brought.filter(({ name }) => name !== 'migrations')).toEqual(fresh.all({ text, values: [] }));
    } finally {
      fresh.close();
    }
  });
});
