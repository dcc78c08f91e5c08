import { NOW, put } from '@latchkey/testkit/conformance/conformance-case';
import * as row from '@latchkey/testkit/conformance/rows';
import { createMemoryStore } from '@latchkey/testkit/memory-store';
import { expect, test } from 'vitest';
import { decideWithdrawConsent, loadWithdrawConsent } from './withdraw-consent.ts';

const moment = { now: NOW, position: { epoch: 5, seq: 9 }, catalogue: 1 };
const [consent, family] = [row.consent(), row.family(1)];
const offline = row.family(2, { sessionId: undefined });

test('AUT-18 ASVS 10.7.3: what is taken back ends every family of this account and client, with a session or without', async () => {
  const store = createMemoryStore({ now: () => NOW });
  const others = [row.family(3, { clientId: row.idOf('cli', 2) }), row.family(4, { accountId: row.idOf('acc', 2) })];
  await put(store, { kind: 'consent.store', consent });
  for (const each of [family, offline, ...others]) await put(store, { kind: 'family.start', family: each });
  const facts = await loadWithdrawConsent(store.read, consent.accountId, consent.clientId, moment);
  expect(facts).toEqual({ consent, families: [family, offline] });
  const { outcome, writes } = decideWithdrawConsent(facts, moment);
  expect(outcome.ok).toBe(true);
  expect(writes.filter(({ kind }) => kind !== 'audit.append')).toEqual([
    { kind: 'consent.withdraw', accountId: consent.accountId, clientId: consent.clientId },
    ...[family, offline].flatMap(({ id }) => [
      { kind: 'family.end', id, ended: { at: NOW, reason: 'consent_withdrawn', by: consent.accountId } },
      { kind: 'revocation.emit', event: { kind: 'family', id, exp: expect.any(Number) } },
    ]),
  ]);
});

test('what was never allowed, or is taken back already, is not found, and nothing ends', () => {
  expect(decideWithdrawConsent({ consent: undefined, families: [family] }, moment)).toEqual({
    outcome: { ok: false, error: 'not_found' },
    expects: [],
    writes: [],
  });
});
