import { isSubset } from '@latchkey/protocol/scope';
import type { EpochMilliseconds } from '@latchkey/protocol/types';
import {
  ISSUER,
  type Presentation,
  type RefreshStep,
  type RefreshWorld,
  refreshHistory,
  refreshWorld,
} from '@latchkey/testkit/arbitraries/refresh-history';
import { NOW, put } from '@latchkey/testkit/conformance/conformance-case';
import * as row from '@latchkey/testkit/conformance/rows';
import { createMemoryStore, type MemoryStore } from '@latchkey/testkit/memory-store';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { proved } from '../clients/client.ts';
import type { TokenGrant } from '../tokens/access-grant.ts';
import type { TokenFamily } from '../tokens/family.ts';
import { type Committed, transact } from '../transact.ts';
import type { Write } from '../write.ts';
import { decideRefresh, loadRefresh } from './refresh-token.ts';

/** Histories of one family on a store in memory, where presentations may come at the same time. */

const [familyId, clientId] = [row.idOf('fam', 1), row.idOf('cli', 1)];
const KEY = 'thumbprint of the right key';

interface History {
  readonly store: MemoryStore;
  readonly world: RefreshWorld;
  now: EpochMilliseconds;
  /** The MAC key of each generation that was ever handed out: with it, its whole text. */
  readonly handedOut: Map<number, number>;
}

async function begin(world: RefreshWorld): Promise<History> {
  const history = { world, now: NOW, handedOut: new Map([[0, 1]]) };
  const store = createMemoryStore({ now: () => history.now });
  const { authentication, refreshPolicy, overlapMilliseconds, delivery } = world;
  const position = { pos: (await store.read.moment()).position };
  const offline = world.isOffline ? { sessionId: undefined } : {};
  const bound = world.isBound ? { cnf: { jkt: KEY } } : {};
  await put(
    store,
    { kind: 'account.create', account: row.account(1), identifiers: [] },
    { kind: 'client.create', client: row.client(1, { authentication, refreshPolicy, overlapMilliseconds }) },
    { kind: 'resource.create', resource: row.resource(1, { identifier: row.API, scope: ['read', 'write', 'admin'] }) },
    { kind: 'resource.create', resource: row.resource(2, { identifier: ISSUER, scope: ['read'] }) },
    { kind: 'session.start', session: row.session(1, position) },
    {
      kind: 'family.start',
      family: row.family(1, { ...position, ...offline, ...bound, delivery, resources: [row.API, ISSUER] }),
    },
  );
  return Object.assign(history, { store });
}

async function familyOf({ store }: History): Promise<TokenFamily & { readonly generation: number }> {
  const family = await store.read.family(familyId);
  if (family?.refresh === undefined) throw new Error('the family is gone');
  return { ...family, generation: family.refresh.generation };
}

async function present(history: History, step: Presentation, generation: number): Promise<Committed<TokenGrant>> {
  const { store, world } = history;
  const client = await store.read.client(step.isStranger ? row.idOf('cli', 2) : clientId);
  const other = world.delivery === 'body' ? 'cookie' : 'body';
  const command = {
    client: client === undefined ? { ...proved(row.client(2)) } : proved(client),
    familyId,
    generation,
    delivery: step.wrongDelivery ? other : world.delivery,
    provedKey: step.proof === 'right' ? KEY : step.proof === 'wrong' ? 'another' : undefined,
    attemptHash: step.attemptHash,
    scope: step.scope,
    resources: step.resources,
    macKeyId: step.macKeyId,
    overlapMilliseconds: 10_000,
    acrLevels: [],
    issuer: ISSUER,
    adminApi: row.ADMIN_API,
    hookClaims: undefined,
  } as const;
  return transact(
    store,
    (read) => loadRefresh(read, command, () => true),
    (facts, moment) => decideRefresh(facts, command, moment),
  );
}

const ENDS: Readonly<Record<Extract<RefreshStep, { kind: 'end' }>['what'], (now: EpochMilliseconds) => Write>> = {
  family: (at) => ({ kind: 'family.end', id: familyId, ended: { at, reason: 'logout', by: 'x' } }),
  session: (at) => ({ kind: 'session.end', id: row.idOf('ses', 1), ended: { at, reason: 'logout', by: 'x' } }),
  account: (at) => ({ kind: 'revocation.emit', event: { kind: 'subject', id: row.idOf('acc', 1), exp: expiry(at) } }),
  client: (at) => ({ kind: 'revocation.emit', event: { kind: 'client', id: clientId, exp: expiry(at) } }),
};
const expiry = (at: EpochMilliseconds) => Math.floor(at / 1000 + 3_780) as never;

/** Whether a presentation comes from the client of the family, as the family asks for it. */
const isOwn = ({ world }: History, { isStranger, wrongDelivery, proof }: Presentation) =>
  !isStranger && !wrongDelivery && (!world.isBound || proof === 'right');

/** What holds of one answer, whatever came before it. */
function checkAnswer(history: History, before: TokenFamily, { outcome, writes }: Committed<TokenGrant>): void {
  if (!outcome.ok) return;
  const { access, refresh } = outcome.value;
  expect(before.ended).toBeUndefined();
  expect(isSubset(access.scope, before.scope) && before.resources.includes(access.resource.identifier)).toBe(true);
  expect([refresh?.familyExpiresAt, refresh?.familyId]).toEqual([before.expiresAt, familyId]);
  expect(writes.some(({ kind }) => kind === 'family.end' || kind === 'revocation.emit')).toBe(false);
  const { generation = -1, macKeyId = -1 } = refresh ?? {};
  expect([generation, history.handedOut.get(generation) ?? macKeyId]).toEqual([generation, macKeyId]);
  history.handedOut.set(generation, macKeyId);
}

async function take(history: History, step: Presentation): Promise<void> {
  const before = await familyOf(history);
  const presented = Math.max(0, before.generation - step.behind);
  const answers = await Promise.all(Array.from({ length: step.times }, () => present(history, step, presented)));
  for (const answer of answers) checkAnswer(history, before, answer);
  const after = await familyOf(history);
  const issued = answers.flatMap(({ outcome }) => (outcome.ok ? [outcome.value.refresh?.generation] : []));

  expect(after.generation - before.generation).toBeLessThanOrEqual(1);
  expect(new Set(issued).size).toBeLessThanOrEqual(1);
  if (issued.length > 0 && after.ended === undefined) expect(issued).toContain(after.generation);
  if (issued.length === 0) expect(after.generation).toBe(before.generation);
  expect(after.generation).toBe(Math.max(...history.handedOut.keys()));
  if (!isOwn(history, step) || before.ended !== undefined) {
    expect(issued).toEqual([]);
    expect(after).toEqual(before);
  } else if (presented < before.generation - 1) expect(issued).toEqual([]);
  const events = (await history.store.read.revocationsOf(familyId, NOW)).length;
  expect(events).toBeLessThanOrEqual(1);
}

test('I1, I2, I3: whatever is presented, when and how often, a family has one live generation, and one that ended never issues again', async () => {
  let rotations = 0;
  let thefts = 0;
  let overlaps = 0;
  await fc.assert(
    fc.asyncProperty(refreshWorld, refreshHistory, async (world, steps) => {
      const history = await begin(world);
      let isOver = false;
      for (const step of steps) {
        if (step.kind === 'wait') history.now = (history.now + step.milliseconds) as EpochMilliseconds;
        else if (step.kind === 'end') {
          await put(history.store, ENDS[step.what](history.now));
          isOver ||= step.what !== 'session' || !world.isOffline;
        } else {
          const before = await familyOf(history);
          await take(history, step);
          const after = await familyOf(history);
          if (isOver) expect(after).toEqual(before);
          isOver ||= after.ended !== undefined;
          rotations += after.generation - before.generation;
          thefts += before.ended === undefined && after.ended?.reason === 'refresh_token_reused' ? 1 : 0;
          overlaps += after.refresh?.overlapUses ?? 0;
        }
      }
    }),
    { numRuns: 300 },
  );
  // a property that never gets to what it is about shows nothing
  expect([rotations > 100, thefts > 20, overlaps > 20]).toEqual([true, true, true]);
});

test.each(['none', 'client_secret_basic'] as const)(
  'RT-04 RFC 9700 §4.14.2: of fifty refreshes at the same time with one token, client %s, none gets another successor',
  async (authentication) => {
    const world = {
      authentication,
      refreshPolicy: 'rotate',
      delivery: 'body',
      isOffline: false,
      isBound: false,
    } as const;
    const history = await begin({ ...world, overlapMilliseconds: undefined });
    const step = { isStranger: false, wrongDelivery: false, proof: 'none', scope: undefined, resources: [] } as const;
    const asked = { kind: 'present', behind: 0, attemptHash: undefined, macKeyId: 2, times: 1, ...step } as const;
    const answers = await Promise.all(Array.from({ length: 50 }, () => present(history, asked, 0)));
    const generations = answers.flatMap(({ outcome }) => (outcome.ok ? [outcome.value.refresh?.generation] : []));
    const family = await familyOf(history);
    expect([new Set(generations), family.generation]).toEqual([new Set([1]), 1]);
    const isPublic = authentication === 'none';
    expect([generations.length, family.ended?.reason]).toEqual(
      isPublic ? [1, 'refresh_token_reused'] : [50, undefined],
    );
  },
);
