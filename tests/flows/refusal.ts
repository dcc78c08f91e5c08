import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { type ErrorId, errorRow } from '@latchkey/protocol/errors';
import type { TestServer } from '@latchkey/testkit/test-server';

/** A refusal: what the client is told, and the cause that stands in the log under the same id. */
export interface SeenRefusal {
  readonly status: number;
  readonly code: unknown;
  readonly cause: unknown;
}

/** Reads a refusal from its answer and from the log. */
export async function refusalOf(at: TestServer, answer: Response): Promise<SeenRefusal> {
  const text = await answer.text();
  const isPage = answer.headers.get('content-type')?.startsWith('text/html') === true;
  const { error, error_id: id } = isPage ? toldOn(text) : text === '' ? {} : JSON.parse(text);
  const line = at.logged.find((one) => typeof id === 'string' && one.includes(`"error_id":"${id}"`));
  return { status: answer.status, code: error, cause: line === undefined ? undefined : JSON.parse(line).error };
}

/** What a page tells of an error: its code and its id. */
function toldOn(page: string) {
  const [error, error_id] = [...page.matchAll(/<dd><code>(?:<bdi>)?([^<]*)/g)].map(([, text]) => text);
  return { error, error_id };
}

/** How the catalogue says that an error looks. */
export const refusedAs = (cause: ErrorId): SeenRefusal => {
  const { status, code } = errorRow(cause);
  return { status, code, cause };
};

/**
 * Every row of every table: equal before and after a request that changed nothing. Only messages to be delivered are
 * left out, since a job takes them away in between; what writes one also writes an audit row.
 */
export function rowsOf({ data }: Pick<TestServer, 'data'>): Readonly<Record<string, readonly unknown[]>> {
  const database = new DatabaseSync(join(data, 'latchkey.db'), { readOnly: true });
  try {
    const tables = database
      .prepare("SELECT name FROM sqlite_schema WHERE type = 'table' AND name <> 'outbox' ORDER BY name")
      .all();
    return Object.fromEntries(
      tables.map(({ name }) => [String(name), database.prepare(`SELECT * FROM "${String(name)}"`).all()]),
    );
  } finally {
    database.close();
  }
}
