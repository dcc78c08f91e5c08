import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { TestServer } from '@latchkey/testkit/test-server';

/** The messages that wait for delivery, due or not. */
export function outboxOf({ data }: Pick<TestServer, 'data'>): readonly unknown[] {
  const database = new DatabaseSync(join(data, 'latchkey.db'), { readOnly: true });
  try {
    return database.prepare('SELECT topic, body, attempts FROM outbox ORDER BY id').all();
  } finally {
    database.close();
  }
}
