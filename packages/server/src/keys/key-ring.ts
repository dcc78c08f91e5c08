import type { JwkSet, SigningAlgorithm } from '@latchkey/protocol/jwk';
import type { KeySet } from '@latchkey/tokens/keys/key-set';
import type { Signer } from '@latchkey/tokens/keys/signer';

/** The keys of one version of the catalogue, opened and ready for use. */
export interface OpenKeys {
  /** The current key of an algorithm, to sign with. */
  signer(algorithm: SigningAlgorithm): Signer;
  /** Everything that verifies: next, current and retiring keys. */
  readonly keySet: KeySet;
  /** The published key set. */
  readonly jwks: JwkSet;
  /** The MAC key that new refresh tokens are made under. */
  readonly macKey: { readonly id: number; readonly key: Uint8Array };
  /** The MAC key of this id, unless it is gone or revoked. */
  macKeyOf(id: number): Uint8Array | undefined;
}

/** The node's keys. What it holds is valid for one number of the catalogue, and is read again for another. */
export interface KeyRing {
  at(catalogue: number): Promise<OpenKeys>;
}
