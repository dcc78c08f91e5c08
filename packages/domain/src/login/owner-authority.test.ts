import type { EpochMilliseconds } from '@latchkey/protocol/types';
import { NOW, put } from '@latchkey/testkit/conformance/conformance-case';
import * as row from '@latchkey/testkit/conformance/rows';
import { createMemoryStore } from '@latchkey/testkit/memory-store';
import { expect, test } from 'vitest';
import { allow, refuse } from '../decision.ts';
import type { Write } from '../write.ts';
import { onAuthorityOfFamily } from './owner-authority.ts';

const family = row.family(1);
const start = { kind: 'family.start', family } as const;
const end = { kind: 'family.end', id: family.id, ended: { reason: 'logout', by: 'acc_1', at: NOW } } as const;

/** A decision that allows what it has loaded, on the authority of a family as the store holds it. */
async function askedBy(writes: readonly Write[]) {
  const store = createMemoryStore({ now: () => NOW });
  await put(
    store,
    { kind: 'account.create', account: row.account(1), identifiers: [] },
    { kind: 'client.create', client: row.client(1) },
    { kind: 'session.start', session: row.session(1) },
    ...writes,
  );
  const asked = onAuthorityOfFamily(
    family.id,
    async (_, { catalogue }) => catalogue,
    (catalogue) => allow(catalogue),
  );
  const moment = await store.read.moment();
  const facts = await asked.load(store.read, moment);
  return { catalogue: moment.catalogue, decide: (now: EpochMilliseconds) => asked.decide(facts, { ...moment, now }) };
}

test('what the holder of a live family asks for is loaded and decided', async () => {
  const { catalogue, decide } = await askedBy([start]);
  expect(decide(NOW)).toEqual(allow(catalogue));
});

test.each([
  ['ended after it was proved', [start, end], NOW],
  ['expired after it was proved', [start], family.expiresAt],
  ['is no longer there', [], NOW],
] as const)('SES-03: the holder of a family that %s changes nothing more', async (_, writes, now) => {
  const { decide } = await askedBy(writes);
  expect(decide(now)).toEqual(refuse('refresh_token_ended'));
});
