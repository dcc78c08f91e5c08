import type { Sealed } from '@latchkey/protocol/types';

/** What a seal is for. All of it is bound into the seal, so that a sealed value opens in its own place only. */
export interface SealPlace {
  readonly table: string;
  readonly row: string;
  readonly purpose: string;
  readonly version: number;
}

/** Seals secrets for storage under the key-encryption key. */
export interface Sealer {
  seal(place: SealPlace, secret: Uint8Array): Sealed;
  /** Opens a seal; throws when it was not made here, for this place: that is a fault or tampering, never a refusal. */
  open(place: SealPlace, sealed: Sealed): Uint8Array;
}
