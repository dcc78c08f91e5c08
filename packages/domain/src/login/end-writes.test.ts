import { NOW } from '@latchkey/testkit/conformance/conformance-case';
import * as row from '@latchkey/testkit/conformance/rows';
import { expect, test } from 'vitest';
import { endPairwiseWrites, endSessionWrites } from './end-writes.ts';

const ending = { reason: 'ended_by_owner', by: row.idOf('acc', 1), at: NOW } as const;
const session = row.session(1);
const pairwise = { subject: 'one', sid: row.idOf('fam', 1) };
const exp = Math.floor(NOW / 1000) + 3_780;
const ends = (n: number) => [
  { kind: 'family.end', id: row.idOf('fam', n), ended: ending },
  { kind: 'revocation.emit', event: { kind: 'family', id: row.idOf('fam', n), exp } },
];

test('OIDC-03: with a session each of its families with a pairwise subject ends by an event, and no other family', () => {
  const families = [
    row.family(1, { pairwise }),
    row.family(2, { pairwise, sessionId: row.idOf('ses', 2) }),
    row.family(3, { pairwise, sessionId: undefined }),
    row.family(4, { pairwise }),
  ];
  const alone = endSessionWrites(session, ending, []);
  const both = endSessionWrites(session, ending, families);
  expect(both.filter((write) => !alone.some((one) => JSON.stringify(one) === JSON.stringify(write)))).toEqual([
    ...ends(1),
    ...ends(4),
  ]);
  expect(both).toHaveLength(alone.length + 4);
});

test.each([
  [-180_001, []],
  [-180_000, []],
  [-179_999, ends(1)],
  [1, ends(1)],
])('one that has %d ms left to live makes events or not', (left, writes) => {
  expect(endPairwiseWrites([row.family(1, { pairwise, expiresAt: row.after(left) })], ending)).toEqual(writes);
});
