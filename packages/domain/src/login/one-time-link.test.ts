import { NOW } from '@latchkey/testkit/conformance/conformance-case';
import * as row from '@latchkey/testkit/conformance/rows';
import { expect, test } from 'vitest';
import { isGoodFor } from './one-time-link.ts';

test('PWD-13: a link is good for its one purpose, up to its end', () => {
  const link = row.link(1, { purpose: 'reset_password', expiresAt: row.after(1) });
  expect([
    isGoodFor(link, 'reset_password', NOW),
    isGoodFor(link, 'reset_password', row.after(1)),
    isGoodFor(link, 'sign_in', NOW),
    isGoodFor(undefined, 'reset_password', NOW),
  ]).toEqual([true, false, false, false]);
});
