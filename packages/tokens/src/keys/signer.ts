import type { ResourceAlgorithm } from '@latchkey/protocol/jwk';

/** Signs with one key, under the one algorithm that the key is for. */
export interface Signer {
  readonly alg: ResourceAlgorithm;
  readonly kid: string;
  /** The signature over ASCII text, in the form that JWS wants. */
  sign(input: string): Uint8Array;
}

/** Checks signatures of one key, under the one algorithm that the key is for. */
export interface VerificationKey {
  readonly alg: ResourceAlgorithm | 'EdDSA';
  readonly kid: string;
  verifies(input: string, signature: Uint8Array): boolean;
}
