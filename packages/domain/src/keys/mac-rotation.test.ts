import type { ClientId, EpochMilliseconds, EpochSeconds, Sealed } from '@latchkey/protocol/types';
import { expect, test } from 'vitest';
import type { TokenFamily } from '../tokens/family.ts';
import {
  decideEndUnderMacKey,
  decideForgetAnswersUnderMacKey,
  decideMacRotation,
  nextMacKeyId,
} from './mac-rotation.ts';
import type { MacKey } from './signing-key.ts';

const now = 1_000_000 as EpochMilliseconds;
const moment = { now, position: { epoch: 1, seq: 7 }, catalogue: 1 };
const sealed = new Uint8Array([1]) as Sealed;
const key = (id: number, state: MacKey['state']): MacKey => ({ id, state, sealed, createdAt: 0 as EpochMilliseconds });
const ring = [key(1, 'retiring'), key(2, 'current')];
const actor = 'cli_admin';
const rotate = { action: 'rotate', actor, candidate: { id: 3, sealed } } as const;
const revoke = (id: number) => ({ action: 'revoke', id, actor, candidate: { id: 3, sealed } }) as const;

const created = { kind: 'mac_key.create', key: { id: 3, sealed, state: 'current', createdAt: now } };
const audit = (event: string, id: string) => ({
  kind: 'audit.append',
  entry: { at: now, event, actor, subject: { mac_key: id }, detail: {} },
});

test('a rotation makes a key, and the one before verifies on', () => {
  expect(decideMacRotation(ring, rotate, moment)).toEqual({
    outcome: { ok: true, value: { currentId: 3 } },
    expects: [],
    writes: [{ kind: 'mac_key.move', id: 2, to: 'retiring' }, created, audit('mac_key.created', '3')],
  });
});

test('the current key is revoked and has a successor in one transaction', () => {
  expect(decideMacRotation(ring, revoke(2), moment)).toEqual({
    outcome: { ok: true, value: { currentId: 3 } },
    expects: [],
    writes: [
      { kind: 'mac_key.move', id: 2, to: 'revoked' },
      audit('mac_key.revoked', '2'),
      created,
      audit('mac_key.created', '3'),
    ],
  });
});

test('a retiring key is revoked, and the current one stays', () => {
  expect(decideMacRotation(ring, revoke(1), moment)).toEqual({
    outcome: { ok: true, value: { currentId: 2 } },
    expects: [],
    writes: [{ kind: 'mac_key.move', id: 1, to: 'revoked' }, audit('mac_key.revoked', '1')],
  });
});

test('to revoke a key again changes nothing, a key that is not there is refused', () => {
  expect(decideMacRotation([key(1, 'revoked'), key(2, 'current')], revoke(1), moment)).toEqual({
    outcome: { ok: true, value: { currentId: 2 } },
    expects: [],
    writes: [],
  });
  expect(decideMacRotation(ring, revoke(9), moment).outcome).toEqual({ ok: false, error: 'key_state_wrong' });
});

test('a key that was sealed for a number that somebody else took is not used: its seal would not open', () => {
  expect(decideMacRotation([...ring, key(3, 'retiring')], rotate, moment)).toEqual({
    outcome: { ok: false, error: 'changed_meanwhile' },
    expects: [],
    writes: [],
  });
});

test('numbers go up, and none is given again', () => {
  expect([nextMacKeyId([]), nextMacKeyId(ring), nextMacKeyId([key(7, 'revoked')])]).toEqual([1, 3, 8]);
});

test('every family under a revoked key ends, each with its own event and audit row', () => {
  const families = ['fam_1', 'fam_2'].map((id) => ({ id, accountId: 'acc_1', clientId: 'cli_1' }) as TokenFamily);
  const ended = { at: now, reason: 'mac_key_revoked', by: actor };
  const exp = (1_000 + 3_780) as EpochSeconds;
  const auditOf = (family: string) => ({
    kind: 'audit.append',
    entry: {
      at: now,
      event: 'family.ended',
      actor,
      subject: { family, account: 'acc_1', client: 'cli_1' },
      detail: { reason: 'mac_key_revoked' },
    },
  });
  expect(decideEndUnderMacKey({ key: key(1, 'revoked'), families }, actor, moment)).toEqual({
    outcome: { ok: true, value: 2 },
    expects: [],
    writes: [
      { kind: 'family.end', id: 'fam_1', ended },
      { kind: 'revocation.emit', event: { kind: 'family', id: 'fam_1', exp } },
      auditOf('fam_1'),
      { kind: 'family.end', id: 'fam_2', ended },
      { kind: 'revocation.emit', event: { kind: 'family', id: 'fam_2', exp } },
      auditOf('fam_2'),
    ],
  });
  expect(decideEndUnderMacKey({ key: key(1, 'retiring'), families }, actor, moment).outcome.ok).toBe(false);
});

test('after the revocation of a MAC key answers about opaque tokens are asked for anew, a step of clients at a time', () => {
  const owners = ['cli_1', 'cli_2'] as unknown as readonly ClientId[];
  const exp = (1_000 + 3_780) as EpochSeconds;
  expect(decideForgetAnswersUnderMacKey({ key: key(1, 'revoked'), owners }, moment)).toEqual({
    outcome: { ok: true, value: 'cli_2' },
    expects: [],
    writes: ['cli_1', 'cli_2'].map((id) => ({ kind: 'revocation.emit', event: { kind: 'changed', id, exp } })),
  });
  expect(decideForgetAnswersUnderMacKey({ key: key(1, 'revoked'), owners: [] }, moment)).toEqual({
    outcome: { ok: true, value: undefined },
    expects: [],
    writes: [],
  });
  for (const other of [undefined, key(1, 'retiring')])
    expect(decideForgetAnswersUnderMacKey({ key: other, owners }, moment).outcome).toEqual({
      ok: false,
      error: 'key_state_wrong',
    });
});
