import * as row from '@latchkey/testkit/conformance/rows';
import { expect, test } from 'vitest';
import { requesterOf } from './attempt.ts';

test('a login was asked for by its client, or by the server itself', () => {
  expect([requesterOf(row.attempt(1)), requesterOf(row.ownLogin(1))]).toEqual([row.client(1).id, 'server']);
});
