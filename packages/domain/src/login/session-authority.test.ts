import { type EpochMilliseconds, later } from '@latchkey/protocol/types';
import { NOW, put } from '@latchkey/testkit/conformance/conformance-case';
import * as row from '@latchkey/testkit/conformance/rows';
import { createMemoryStore } from '@latchkey/testkit/memory-store';
import { expect, test } from 'vitest';
import { allow, refuse } from '../decision.ts';
import type { Write } from '../write.ts';
import { decideVisit, liveSessionOf, loadSession, onAuthorityOfSession } from './session-authority.ts';

const account = row.account(1);
const cookie = row.cookie(1, { idleSeconds: 3600, seenAt: NOW });
const session = row.session(1, { cookie });
const create: Write = { kind: 'account.create', account, identifiers: [] };
const start: Write = { kind: 'session.start', session };
const end: Write = { kind: 'session.end', id: session.id, ended: { reason: 'logout', by: account.id, at: NOW } };
const moment = { now: NOW, position: { epoch: 5, seq: 9 }, catalogue: 1 };

/** A decision that allows what it has loaded, on the authority of a cookie as the store knows it. */
async function askedBy(writes: readonly Write[], maxAge?: number) {
  const store = createMemoryStore({ now: () => NOW });
  await put(store, ...writes);
  const asked = onAuthorityOfSession(
    { cookie: cookie.hash, maxAge },
    async (_, { catalogue }) => catalogue,
    (catalogue) => allow(catalogue),
  );
  const read = await store.read.moment();
  const facts = await asked.load(store.read, read);
  return { catalogue: read.catalogue, decide: (now: EpochMilliseconds) => asked.decide(facts, { ...read, now }) };
}

test('what the holder of a live session asks for is loaded and decided', async () => {
  const { catalogue, decide } = await askedBy([create, start]);
  expect(decide(NOW)).toEqual(allow(catalogue));
});

test.each([
  ['ended after it was looked at', [create, start, end], NOW],
  ['expired after it was looked at', [create, start], session.expiresAt],
  ['was not seen for too long', [create, start], row.after(3_600_000)],
  ['is no longer there', [create], NOW],
  ['has an account that is disabled', [create, start, { kind: 'account.disable', id: account.id, at: NOW }], NOW],
] as const)('SES-03: the holder of a session that %s changes nothing more', async (_, writes, now) => {
  const { decide } = await askedBy(writes);
  expect(decide(now)).toEqual(refuse('login_required'));
});

test.each([
  [299, true],
  [300, true],
  [301, false],
])('SES-06 ASVS 7.5.1: %i s after the authentication a change that wants 300 is decided: %s', async (age, isFresh) => {
  const { catalogue, decide } = await askedBy([create, start], 300);
  expect(decide(row.after(age * 1000))).toEqual(isFresh ? allow(catalogue) : refuse('authentication_too_old'));
});

test('a session without its account speaks for nobody', () => {
  expect(liveSessionOf({ session, account: undefined }, moment)).toBeUndefined();
  expect(liveSessionOf({ session: undefined, account: undefined }, moment)).toBeUndefined();
  expect(liveSessionOf({ session, account }, moment)).toEqual({ session, account });
});

test('of a cookie that nobody has, nothing is loaded', async () => {
  const store = createMemoryStore({ now: () => NOW });
  expect(await loadSession(store.read, cookie.hash)).toEqual({ session: undefined, account: undefined });
});

test('SES-04: a session that is in use is noted once a minute; one that is over is not', () => {
  const at = (milliseconds: number) =>
    decideVisit({ session, account }, { ...moment, now: later(NOW, milliseconds) }).writes;
  const seen = (milliseconds: number) => [{ kind: 'session.see', id: session.id, at: later(NOW, milliseconds) }];
  expect([at(59_999), at(60_000), at(60_001)]).toEqual([[], seen(60_000), seen(60_001)]);
  expect(at(3_600_000)).toEqual([]);
});
