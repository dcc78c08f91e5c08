import { NOW } from '@latchkey/testkit/conformance/conformance-case';
import * as row from '@latchkey/testkit/conformance/rows';
import { expect, test } from 'vitest';
import { endSessionWrites } from './end-writes.ts';
import { decideSignOut } from './sign-out.ts';

const moment = { now: NOW, position: { epoch: 5, seq: 9 }, catalogue: 1 };
const session = row.session(1);
const named = row.family(1, { pairwise: { subject: 'one', sid: row.idOf('fam', 1) } });

test('LOGO-07: a sign-out ends the session by its owner, and says so in the log', () => {
  expect(decideSignOut({ session, pairwise: [named] }, moment).writes).toEqual(
    endSessionWrites(session, { reason: 'logout', by: session.accountId, at: NOW }, [named]),
  );
});

test.each([
  ['none', undefined],
  ['one that has ended', row.session(1, { ended: { at: NOW, reason: 'logout', by: 'server' } })],
  ['one that has expired', row.session(1, { expiresAt: NOW })],
])('of %s nothing ends', (_, gone) => {
  expect(decideSignOut({ session: gone, pairwise: [named] }, moment)).toEqual({
    outcome: { ok: true, value: undefined },
    expects: [],
    writes: [],
  });
});
