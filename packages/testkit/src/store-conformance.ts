import type { ConformanceCase } from './conformance/conformance-case.ts';
import { EVERY_WRITE } from './conformance/every-write.ts';
import { LISTS } from './conformance/lists.ts';
import { LOG } from './conformance/log.ts';
import { QUOTAS } from './conformance/quotas.ts';
import { RACES } from './conformance/races.ts';
import { TRANSACTIONS } from './conformance/transactions.ts';

/**
 * What every store must do, whatever is behind it: each case runs on an empty store, whose clock stands at
 * `NOW` and whose audit rows are signed by `auditMac`. It knows no test runner, so that any can run it.
 */
export const STORE_CONFORMANCE: readonly ConformanceCase[] = [
  ...Object.entries(EVERY_WRITE).map(([kind, run]) => ({ name: `the write ${kind} is stored and read back`, run })),
  ...TRANSACTIONS,
  ...LOG,
  ...LISTS,
  ...RACES,
  ...QUOTAS,
];
