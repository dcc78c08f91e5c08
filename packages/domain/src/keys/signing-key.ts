import type { PublicJwk, SigningAlgorithm } from '@latchkey/protocol/jwk';
import type { EpochMilliseconds, Sealed } from '@latchkey/protocol/types';

/**
 * A key of the ring of its algorithm. `next` is published and does not sign, `current` signs, `retiring` only verifies
 * until the last token it signed has expired, `revoked` is refused everywhere and its row kept for explanation.
 */
export interface SigningKey {
  readonly kid: string;
  readonly algorithm: SigningAlgorithm;
  readonly state: SigningKeyState;
  readonly jwk: PublicJwk;
  readonly sealedPrivate: Sealed;
  readonly createdAt: EpochMilliseconds;
  /** When it entered its state. */
  readonly since: EpochMilliseconds;
}

export type SigningKeyState = 'next' | 'current' | 'retiring' | 'revoked';

/** A key of the outer MAC of refresh tokens. Old ones verify until the last family under them has ended. */
export interface MacKey {
  readonly id: number;
  readonly state: 'current' | 'retiring' | 'revoked';
  readonly sealed: Sealed;
  readonly createdAt: EpochMilliseconds;
}
