import type { SharedSecret } from '@latchkey/domain/keys/shared-secret';
import type { JwkSet, SigningAlgorithm } from '@latchkey/protocol/jwk';
import type { ResourceId } from '@latchkey/protocol/types';
import type { KeySet } from '@latchkey/tokens/keys/key-set';
import type { SharedSecret as SharedSecretKey } from '@latchkey/tokens/keys/shared-secret';
import type { Signer } from '@latchkey/tokens/keys/signer';

/** The keys of one version of the catalogue, opened and ready for use. */
export interface OpenKeys {
  /** The current key of an algorithm, to sign with. */
  signer(algorithm: SigningAlgorithm): Signer;
  /** Everything that verifies: next, current and retiring keys. */
  readonly keySet: KeySet;
  /** The published key set. */
  readonly jwks: JwkSet;
  /** What a resource shares with the server. Never part of `keySet`: only the resource itself believes it. */
  sharedSecrets(resource: ResourceId): readonly OpenSharedSecret[];
  /** The MAC key that new refresh tokens are made under. */
  readonly macKey: { readonly id: number; readonly key: Uint8Array };
  /** The MAC key of this id, unless it is gone or revoked. */
  macKeyOf(id: number): Uint8Array | undefined;
}

/** A shared secret, ready to sign and to verify with. */
export interface OpenSharedSecret extends SharedSecret {
  readonly key: SharedSecretKey;
}

/** The node's keys. What it holds is valid for one number of the catalogue, and is read again for another. */
export interface KeyRing {
  at(catalogue: number): Promise<OpenKeys>;
}
