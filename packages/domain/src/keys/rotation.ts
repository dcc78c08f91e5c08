import type { SigningAlgorithm } from '@latchkey/protocol/jwk';
import { DURATIONS } from '@latchkey/protocol/limits';
import { type EpochMilliseconds, later } from '@latchkey/protocol/types';
import { allow, type Decision, refuse } from '../decision.ts';
import type { Moment, Reader } from '../ports/reader.ts';
import { eventExpiry } from '../tokens/event-expiry.ts';
import type { Write } from '../write.ts';
import type { SigningKey } from './signing-key.ts';

/** A published key set may be kept so long; a margin covers verifiers that look for an unknown key only now and then. */
export const PUBLISHED_BEFORE_USE_SECONDS = DURATIONS.keySetMaxAge + 65;

/** What is to become of the ring of one algorithm. */
export type RotationCommand = {
  readonly algorithm: SigningAlgorithm;
  /** New keys, made and sealed beforehand; as many are taken as are needed. */
  readonly candidates: readonly Candidate[];
  readonly actor: string;
} & (
  | { readonly action: 'keep'; readonly rotationDays: number }
  /** The next key takes over, as soon as it has been published for long enough. */
  | { readonly action: 'rotate' }
  /** The key is refused from now on. `all` replaces the published next key too, which somebody may have seen. */
  | { readonly action: 'revoke'; readonly kid: string; readonly all: boolean }
);

export type Candidate = Pick<SigningKey, 'kid' | 'jwk' | 'sealedPrivate'>;

/** What became of it: which key signs, and from when a rotation that must wait could be done. */
export interface RingState {
  readonly currentKid: string;
  readonly changed: boolean;
}

export const loadRing = async (read: Reader, { algorithm }: Pick<RotationCommand, 'algorithm'>) =>
  (await read.signingKeys()).filter((key) => key.algorithm === algorithm);

/**
 * Decides the life of the keys of one algorithm: next (published, does not sign), current, retiring (only verifies),
 * revoked (refused everywhere). The very first key signs at once, since no verifier can have an older key set.
 *
 * @returns `key_state_wrong` for a rotation whose next key is too young, or a key that cannot be revoked
 * @spec OIDC Core §10.1.1 (KEY-01, KEY-02, KEY-07)
 */
export function decideRotation(
  ring: readonly SigningKey[],
  command: RotationCommand,
  { now }: Moment,
): Decision<RingState> {
  const candidates = [...command.candidates];
  const writes: Write[] = [];
  const create = (state: 'current' | 'next'): SigningKey => {
    const candidate = candidates.shift();
    if (candidate === undefined) throw new Error('a rotation needs more new keys than it was given');
    const key: SigningKey = { ...candidate, algorithm: command.algorithm, state, createdAt: now, since: now };
    writes.push({ kind: 'key.create', key }, auditOf('key.created', key.kid, command, now, { state }));
    return key;
  };
  const move = (key: SigningKey, to: SigningKey['state']): void => {
    const event = to === 'current' ? 'key.activated' : to === 'revoked' ? 'key.revoked' : 'key.retired';
    writes.push(
      { kind: 'key.move', kid: key.kid, from: key.state, to, at: now },
      auditOf(event, key.kid, command, now, {}),
    );
  };

  let current = ring.find(({ state }) => state === 'current');
  let next = ring.find(({ state }) => state === 'next');

  if (command.action === 'revoke') {
    const target = ring.find(({ kid }) => kid === command.kid);
    if (target === undefined || target.state === 'revoked') return refuse('key_state_wrong');
    const doomed = command.all ? ring.filter(({ state }) => state === 'current' || state === 'next') : [];
    for (const key of new Set([target, ...doomed])) {
      move(key, 'revoked');
      writes.push({ kind: 'revocation.emit', event: { kind: 'key', id: key.kid, exp: eventExpiry(now) } });
      if (key === current) current = undefined;
      if (key === next) next = undefined;
    }
  }

  if (current === undefined) {
    if (next === undefined) current = create('current');
    else {
      move(next, 'current');
      current = next;
      next = undefined;
    }
  } else if (next !== undefined && isDue(command, current, now)) {
    if (isYoung(next, now)) {
      if (command.action === 'rotate') return refuse('key_state_wrong');
    } else {
      move(current, 'retiring');
      move(next, 'current');
      current = next;
      next = undefined;
    }
  } else if (command.action === 'rotate') return refuse('key_state_wrong');
  if (next === undefined) create('next');

  for (const key of ring) {
    if (isSpent(key, now)) writes.push({ kind: 'key.remove', kid: key.kid });
  }
  return allow({ currentKid: current.kid, changed: writes.length > 0 }, writes);
}

const isDue = (command: RotationCommand, current: SigningKey, now: EpochMilliseconds): boolean =>
  command.action === 'rotate' ||
  (command.action === 'keep' && now >= later(current.since, command.rotationDays * 86_400_000));

const isYoung = (next: SigningKey, now: EpochMilliseconds): boolean =>
  now < later(next.since, PUBLISHED_BEFORE_USE_SECONDS * 1000);

/** A retiring key goes when the last token that it can have signed has expired; a revoked one when nobody asks why. */
const isSpent = (key: SigningKey, now: EpochMilliseconds): boolean =>
  (key.state === 'retiring' && now >= later(key.since, DURATIONS.eventRetention * 1000)) ||
  (key.state === 'revoked' && now >= later(key.since, 30 * 86_400_000));

const auditOf = (
  event: 'key.created' | 'key.activated' | 'key.retired' | 'key.revoked',
  kid: string,
  { algorithm, actor }: RotationCommand,
  at: EpochMilliseconds,
  detail: Readonly<Record<string, string>>,
): Write => ({
  kind: 'audit.append',
  entry: { at, event, actor, subject: { key: kid }, detail: { algorithm, ...detail } },
});
