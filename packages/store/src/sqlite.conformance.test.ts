import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { auditMac, NOW } from '@latchkey/testkit/conformance/conformance-case';
import { STORE_CONFORMANCE } from '@latchkey/testkit/store-conformance';
import { describe, test } from 'vitest';
import { openSqlite } from './sqlite.ts';

const onFault = (error: Error) => {
  throw error;
};

describe.each(['a file', 'memory'])('SQLite in %s', (place) => {
  for (const { name, run } of STORE_CONFORMANCE)
    test(name, async () => {
      const folder = mkdtempSync(join(tmpdir(), 'latchkey-store-'));
      const path = place === 'memory' ? ':memory:' : join(folder, 'latchkey.db');
      const store = await openSqlite({ path, now: () => NOW, auditMac, onFault });
      try {
        await run(store);
      } finally {
        await store.close();
        rmSync(folder, { recursive: true, force: true });
      }
    });
});
