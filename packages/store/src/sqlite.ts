import { dayOf } from '@latchkey/domain/api-keys/usage';
import { type Store, StoreUnavailable, type Transaction, WriteConflict } from '@latchkey/domain/ports/store';
import type { RowVersion } from '@latchkey/domain/row-version';
import { DURATIONS, LIMITS } from '@latchkey/protocol/limits';
import { type EpochMilliseconds, type EpochSeconds, later, seconds } from '@latchkey/protocol/types';
import { type AuditMac, changesCatalogue, stepsFor, versionQuery } from './apply.ts';
import { COMMIT_LIMITS, type CommitLimits, createGroupCommit } from './group-commit.ts';
import { ALL_CHANGED, type Changed, createKeptRows, UNCHANGED } from './kept-rows.ts';
import { migrate } from './migrate.ts';
import { createReadSnapshot } from './read-snapshot.ts';
import { createReader } from './reader.ts';
import type { Query, Step } from './sql.ts';
import { isSqliteError, openConnection, type SqliteConnection, setPragmas } from './sqlite-driver.ts';
import { apiKeyLeases } from './tables/api-key-leases.ts';
import { apiKeyQuotas } from './tables/api-key-quotas.ts';
import { apiKeyUsage } from './tables/api-key-usage.ts';
import { apiKeys } from './tables/api-keys.ts';
import { attempts } from './tables/attempts.ts';
import { clients } from './tables/clients.ts';
import { codes } from './tables/codes.ts';
import { consents } from './tables/consents.ts';
import { families } from './tables/families.ts';
import { links } from './tables/links.ts';
import { replays } from './tables/replays.ts';
import { revocations } from './tables/revocations.ts';
import { secrets } from './tables/secrets.ts';
import { sessions } from './tables/sessions.ts';
import { state } from './tables/state.ts';
import { statusLists } from './tables/status-lists.ts';
import { tokenRecords } from './tables/token-records.ts';
import { verifierInstances } from './tables/verifier-instances.ts';

export interface SqliteOptions {
  /** A file, or `:memory:`. */
  readonly path: string;
  readonly now: () => EpochMilliseconds;
  readonly auditMac: AuditMac;
  /** Called when a commit fails: what is on disk is unknown then, and the process must end. */
  readonly onFault: (error: Error) => void;
  readonly limits?: Partial<CommitLimits>;
}

/** The store on SQLite, with what only a database that can be opened twice has to offer. */
export interface SqliteStore extends Store {
  /** The value by which a node knows that it holds the right key-encryption key; set once. */
  kekCheck(): Promise<Uint8Array | undefined>;
  setKekCheck(check: Uint8Array): Promise<void>;
}

/** How often work is run again when a row was not as it saw it; in one process that is a bug of the decision. */
const CONFLICTS_MAX = 5;

/** Opens the store. The file belongs to this process alone: a second one is refused. */
export async function openSqlite(options: SqliteOptions): Promise<SqliteStore> {
  const isMemory = options.path === ':memory:';
  const lock = isMemory ? undefined : takeLock(options.path);
  const writer = openConnection(options.path, false);
  setPragmas(writer, isMemory);
  migrate(writer, options.now());
  const snapshot = isMemory ? undefined : createReadSnapshot(openConnection(options.path, true));

  const rows = createKeptRows(LIMITS.catalogueRowsMax, options.now);
  let changed: Changed = UNCHANGED; // by members of the batch that is open
  let isClosed = false;
  const listeners = new Set<() => void>();
  const commits = createGroupCommit(
    {
      begin: () => writer.exec('BEGIN IMMEDIATE'),
      commit() {
        snapshot?.end();
        writer.exec('COMMIT');
        if (changed.state) rows.forget(changed);
        changed = UNCHANGED;
      },
      rollback() {
        writer.exec('ROLLBACK');
        changed = UNCHANGED;
      },
      savepoint: () => writer.exec('SAVEPOINT member'),
      release: () => writer.exec('RELEASE member'),
      rollbackToSavepoint: () => writer.exec('ROLLBACK TO member'),
      isOpen: () => writer.isTransaction(),
      explain: (error) =>
        isSqliteError(error) ? new StoreUnavailable(error.message, { cause: error }) : asError(error),
    },
    { ...COMMIT_LIMITS, ...options.limits },
    options.onFault,
  );

  // a reader of the same connection must not see what a batch has not committed
  const committed = createReader(
    {
      async all(query) {
        if (snapshot === undefined) await commits.idle();
        return faultsExplained(() => (snapshot ?? writer).all(query));
      },
    },
    options.now,
  );
  // once it is closed nothing is answered any more, not from memory either
  const read = rows.keptFor(committed, () => (isClosed ? ALL_CHANGED : UNCHANGED));
  const inTransaction = rows.keptFor(
    createReader({ all: async (query) => writer.all(query) }, options.now),
    () => changed,
  );

  return {
    read,
    async transact(work) {
      let emitted = false;
      const value = await commits.run((turn) =>
        runAgainOnConflict(async () => {
          emitted = false;
          const tx: Transaction = {
            ...inTransaction,
            async apply(expects, writes) {
              // work that has lost its turn must not write in somebody else's
              if (turn.isOver) throw new Error('a transaction writes after its turn');
              const steps = stepsFor(writes, options.auditMac);
              const emits = writes.some(({ kind }) => kind === 'revocation.emit' || kind === 'epoch.begin');
              const catalogue = changed.catalogue || changesCatalogue(steps);
              changed = { catalogue, state: changed.state || catalogue || emits };
              applyNow(writer, expects, steps);
              emitted ||= emits;
            },
          };
          return work(tx);
        }),
      );
      if (emitted) for (const listener of listeners) listener();
      return value;
    },
    expire: (now, limit) => commits.run(async () => expireNow(writer, now, limit)),
    onRevocation(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    async kekCheck() {
      const value = writer.all(state.kekCheck())[0]?.kek_check;
      return value instanceof Uint8Array ? value : undefined;
    },
    setKekCheck: (check) => commits.run(async () => void writer.run(state.setKekCheck(check))),
    async close() {
      await commits.close();
      isClosed = true;
      snapshot?.close();
      writer.close();
      lock?.close();
    },
  };

  async function runAgainOnConflict<T>(work: () => Promise<T>): Promise<T> {
    for (let run = 1; ; run++) {
      writer.exec('SAVEPOINT run');
      try {
        const value = await work();
        writer.exec('RELEASE run');
        return value;
      } catch (error) {
        if (!(error instanceof WriteConflict) || run === CONFLICTS_MAX) throw error;
        writer.exec('ROLLBACK TO run');
        writer.exec('RELEASE run');
      }
    }
  }
}

const asError = (error: unknown): Error => (error instanceof Error ? error : new Error(String(error)));

function faultsExplained<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (isSqliteError(error)) throw new StoreUnavailable(error.message, { cause: error });
    throw error;
  }
}

/** Checks what a decision expects, then makes its changes. */
function applyNow(connection: SqliteConnection, expects: readonly RowVersion[], steps: readonly Step[]): void {
  for (const expected of expects)
    if (connection.all(versionQuery(expected))[0]?.version !== expected.version)
      throw new WriteConflict(`${expected.table} is no longer at version ${expected.version}`);
  for (const { query, rows } of steps)
    if (connection.run(query) !== 1 && rows === 'one') throw new WriteConflict(`no row for: ${query.text}`);
}

/** Removes what is dead, a bounded number of rows a call, the tables in turn. */
function expireNow(connection: SqliteConnection, now: EpochMilliseconds, limit: number): number {
  const before = later(now, -DURATIONS.eventRetention * 1000);
  const steps: readonly ((limit: number) => readonly Query[])[] = [
    (left) => [attempts.expire(now, left)],
    (left) => [links.expire(now, left)],
    (left) => tokenRecords.expire(now, left),
    (left) => [statusLists.expire(left)],
    (left) => [statusLists.expireIndexes(left)],
    (left) => [codes.expire(later(now, -DURATIONS.codeMax * 1000), left)],
    (left) => [replays.expire(now, left)],
    (left) => [revocations.expire(now, left)],
    (left) => [families.expire(before, left)],
    (left) => [sessions.expire(before, left)],
    (left) => [secrets.expire(before, left)],
    (left) => [consents.expire(before, left)],
    (left) => [clients.expire(before, left)],
    (left) => [apiKeys.expire(later(now, -DURATIONS.apiKeyKept * 1000), left)],
    (left) => [apiKeyQuotas.expire(seconds(before), left)],
    (left) => [apiKeyLeases.expire(ago(now, DURATIONS.leaseGrace), left)],
    (left) => [verifierInstances.expire(later(now, -DURATIONS.verifierInstance * 1000), left)],
    (left) => [apiKeyUsage.expireDays(ago(now, DURATIONS.usageDays), left)],
  ];
  let removed = 0;
  for (const step of steps) if (removed < limit) removed += runAll(connection, step(limit - removed));
  if (removed < limit) removed += rollUp(connection, dayOf(ago(now, DURATIONS.usageHours)), limit - removed);
  return removed;
}

/** Runs one statement or several; the last one says how many rows went. */
function runAll(connection: SqliteConnection, queries: readonly Query[]): number {
  let changed = 0;
  for (const query of queries) changed = connection.run(query);
  return changed;
}

const ago = (now: EpochMilliseconds, wanted: number): EpochSeconds => seconds(later(now, -wanted * 1000));

/** Makes days of the oldest hours in which keys were used. */
function rollUp(connection: SqliteConnection, before: EpochSeconds, limit: number): number {
  connection.run(apiKeyUsage.addToDays(before, limit));
  return connection.run(apiKeyUsage.removeHours(before, limit));
}

/**
 * A file belongs to one server process. The lock is a transaction on a file beside it: the operating system lets go of
 * it when the process dies, however it dies.
 */
function takeLock(path: string): SqliteConnection {
  const connection = openConnection(`${path}.lock`, false);
  try {
    connection.exec('PRAGMA busy_timeout = 0');
    connection.exec('BEGIN EXCLUSIVE');
    return connection;
  } catch (error) {
    connection.close();
    if (isSqliteError(error)) throw new StoreUnavailable(`another server process uses ${path}`, { cause: error });
    throw error;
  }
}
