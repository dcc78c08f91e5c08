import type { ApiKeyId, ClientId, EpochMilliseconds, Sealed } from '@latchkey/protocol/types';
import type { AuditEvent } from '../audit.ts';
import { allow, type Decision, refuse } from '../decision.ts';
import { endFamilyWrites } from '../login/end-writes.ts';
import type { Moment, Reader } from '../ports/reader.ts';
import { eventExpiry } from '../tokens/event-expiry.ts';
import type { TokenFamily } from '../tokens/family.ts';
import type { Write } from '../write.ts';
import type { MacKey } from './signing-key.ts';

/** A new MAC key, sealed for the place of its number. It is used when the number is still the next one. */
export interface MacKeyCandidate {
  readonly id: number;
  readonly sealed: Sealed;
}

export type MacRotationCommand = { readonly actor: string; readonly candidate: MacKeyCandidate } & (
  | { readonly action: 'rotate' }
  /** The key is refused from now on; what was made under it ends. */
  | { readonly action: 'revoke'; readonly id: number }
);

export interface MacRingState {
  readonly currentId: number;
}

export const nextMacKeyId = (keys: readonly MacKey[]): number => Math.max(0, ...keys.map(({ id }) => id)) + 1;

export const loadMacRing = (read: Pick<Reader, 'macKeys'>): Promise<readonly MacKey[]> => read.macKeys();

/**
 * Decides on the keys of the outer MAC of refresh tokens and of the MAC of opaque ones. A rotation leaves the old key to verify, since refresh tokens
 * live long; a revocation refuses it at once, and a key that was current has its successor in the same transaction.
 *
 * @returns `key_state_wrong` for a key that is unknown, `changed_meanwhile` when another rotation took the number
 */
export function decideMacRotation(
  keys: readonly MacKey[],
  command: MacRotationCommand,
  { now }: Moment,
): Decision<MacRingState> {
  const { candidate, actor } = command;
  const current = keys.find(({ state }) => state === 'current');
  const doomed = command.action === 'revoke' ? keys.find(({ id }) => id === command.id) : undefined;
  if (command.action === 'revoke') {
    if (doomed === undefined) return refuse('key_state_wrong');
    if (current !== undefined && doomed.state === 'revoked') return allow({ currentId: current.id });
  }
  const writes: Write[] = [];
  if (doomed !== undefined)
    writes.push(
      { kind: 'mac_key.move', id: doomed.id, to: 'revoked' },
      entry('mac_key.revoked', doomed.id, actor, now),
    );
  if (current !== undefined && doomed !== undefined && current !== doomed)
    return allow({ currentId: current.id }, writes);
  if (candidate.id !== nextMacKeyId(keys)) return refuse('changed_meanwhile');
  if (current !== undefined && current !== doomed)
    writes.push({ kind: 'mac_key.move', id: current.id, to: 'retiring' });
  writes.push(
    { kind: 'mac_key.create', key: { ...candidate, state: 'current', createdAt: now } },
    entry('mac_key.created', candidate.id, actor, now),
  );
  return allow({ currentId: candidate.id }, writes);
}

/** Families whose refresh token was made under a revoked key, a step at a time. */
export const FAMILIES_PER_STEP = 200;

export interface EndUnderMacKeyFacts {
  readonly key: MacKey | undefined;
  readonly families: readonly TokenFamily[];
}

export const loadUnderMacKey = async (read: Reader, id: number): Promise<EndUnderMacKeyFacts> => ({
  key: (await read.macKeys()).find((key) => key.id === id),
  families: await read.familiesUnderMacKey(id, { after: undefined, limit: FAMILIES_PER_STEP }),
});

/**
 * Decides the end of a step's worth of families under a revoked MAC key, with their access tokens. It is asked again
 * until nothing is left; where that was interrupted, to revoke the key again goes on with it. Meanwhile none of them
 * can be refreshed, since the key is refused before any family is looked at.
 *
 * @returns `key_state_wrong` for a key that is not revoked; else how many families ended
 */
export function decideEndUnderMacKey(
  { key, families }: EndUnderMacKeyFacts,
  actor: string,
  { now }: Moment,
): Decision<number> {
  if (key === undefined || key.state !== 'revoked') return refuse('key_state_wrong');
  return allow(
    families.length,
    families.flatMap((family) => endFamilyWrites(family, { reason: 'mac_key_revoked', by: actor, at: now })),
  );
}

export interface AnswersUnderMacKeyFacts {
  readonly key: MacKey | undefined;
  readonly owners: readonly (ClientId | ApiKeyId)[];
}

export const loadAnswersUnderMacKey = async (
  read: Reader,
  id: number,
  after: ClientId | ApiKeyId | undefined,
): Promise<AnswersUnderMacKeyFacts> => ({
  key: (await read.macKeys()).find((key) => key.id === id),
  owners: await read.tokenRecordOwners({ after, limit: FAMILIES_PER_STEP }),
});

/**
 * Decides that answers about opaque tokens are asked for anew, a step's worth of clients at a time: what was kept of one
 * under the revoked key is given out no longer, and what was kept of others comes back at the next question.
 *
 * @returns `key_state_wrong` for a key that is not revoked; else after whom to go on, undefined when nobody is left
 */
export function decideForgetAnswersUnderMacKey(
  { key, owners }: AnswersUnderMacKeyFacts,
  { now }: Moment,
): Decision<ClientId | ApiKeyId | undefined> {
  if (key === undefined || key.state !== 'revoked') return refuse('key_state_wrong');
  return allow(
    owners.at(-1),
    owners.map((id) => ({ kind: 'revocation.emit', event: { kind: 'changed', id, exp: eventExpiry(now) } })),
  );
}

const entry = (event: AuditEvent, id: number, actor: string, at: EpochMilliseconds): Write => ({
  kind: 'audit.append',
  entry: { at, event, actor, subject: { mac_key: String(id) }, detail: {} },
});
