import { statSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { PASSWORD, populate, type World } from '@latchkey/testkit/people';
import { jsonBody, startTestServer } from '@latchkey/testkit/test-server';
import { expect, test } from 'vitest';

const FAMILIES = 64;
const REFRESHES = 10_000;
/** SQLite moves the log into the database at every thousand pages or so; twice that is a log that grows. */
const LOG_BYTES_MAX = 2_000 * 4_096;

/** Everything that could grow: rows by table, pages of the database, bytes of its log. */
function sizeOf(path: string) {
  const database = new DatabaseSync(path);
  const log = statSync(`${path}-wal`).size;
  database.prepare('PRAGMA wal_checkpoint(TRUNCATE)').all();
  const tables = database.prepare("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name").all();
  const rows = Object.fromEntries(
    tables.map(({ name }) => [name, database.prepare(`SELECT count(*) AS n FROM "${name}"`).get()?.n]),
  );
  const pages = database.prepare('PRAGMA page_count').get()?.page_count;
  database.close();
  return { rows, pages, log };
}

/** Refreshes one login so many times in a row. */
async function refreshOver(world: World, token: string, times: number): Promise<string> {
  let current = token;
  for (let count = 0; count < times; count++) {
    const sent = new Request(`${world.at.issuer}/api/refresh`, jsonBody({ refresh_token: current }));
    const answer = await world.at.running.app.handle(sent, { remote: '127.0.0.1' });
    const body = await answer.json();
    if (answer.status !== 200) throw new Error(`${answer.status} ${JSON.stringify(body)}`);
    current = body.refresh_token;
  }
  return current;
}

test(`RT-03, RT-14 I7: ${REFRESHES} refreshes leave rows and file where they were`, { timeout: 180_000 }, async () => {
  const world = await populate(await startTestServer({ settings: { logLevel: 'silent' } }));
  const path = join(world.at.data, 'latchkey.db');
  const login = async (_: unknown, n: number) => (await world.post('/api/login', CREDENTIALS, {}, `10.0.0.${n}`)).body;
  const logins = await Promise.all(Array.from({ length: FAMILIES }, login));
  const all = async (tokens: readonly string[], times: number) =>
    Promise.all(tokens.map((token) => refreshOver(world, token, times)));
  const warm = await all(
    logins.map((body) => String(body.refresh_token)),
    2,
  );
  const { log: _, ...before } = sizeOf(path);
  const last = await all(warm, Math.ceil(REFRESHES / FAMILIES));
  const { log, ...after } = sizeOf(path);
  expect(after).toEqual(before);
  expect(log).toBeLessThan(LOG_BYTES_MAX);
  expect(before.rows).toMatchObject({ families: FAMILIES, sessions: FAMILIES, revocations: 0, outbox: 0 });
  expect(new Set(last).size).toBe(FAMILIES);
  await world.at.close();
});

const CREDENTIALS = { username: 'alice', password: PASSWORD };
