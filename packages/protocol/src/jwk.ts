/** The signature algorithms of the key set, by their names on the wire. @spec RFC 7518 §3.1, RFC 9864 §2.2 */
export const SIGNING_ALGORITHMS = ['ES256', 'RS256', 'PS256', 'Ed25519'] as const;
export type SigningAlgorithm = (typeof SIGNING_ALGORITHMS)[number];

/** How the tokens of a resource are signed: under a key of the key set, or under a secret that it shares with the server. */
export const RESOURCE_ALGORITHMS = [...SIGNING_ALGORITHMS, 'HS256'] as const;
export type ResourceAlgorithm = (typeof RESOURCE_ALGORITHMS)[number];

/** A public key as it stands in a key set: `kid`, `alg` and `use` are always there. @spec RFC 7517 §4 */
export interface PublicJwk {
  readonly kty: 'EC' | 'RSA' | 'OKP';
  readonly kid: string;
  readonly alg: SigningAlgorithm;
  readonly use: 'sig';
  readonly crv?: string;
  readonly x?: string;
  readonly y?: string;
  readonly n?: string;
  readonly e?: string;
}

/** @spec RFC 7517 §5 */
export interface JwkSet {
  readonly keys: readonly PublicJwk[];
}

/**
 * The public key to which an API's tokens are encrypted; the API alone has the private one.
 *
 * @spec RFC 7518 §4.3, §4.6; RFC 7517 §4.2 (`use`: never a key that signs)
 */
export interface PublicEncryptionJwk {
  readonly kty: 'EC' | 'RSA' | 'OKP';
  readonly kid: string;
  readonly alg: EncryptionAlgorithm;
  readonly use: 'enc';
  readonly crv?: string;
  readonly x?: string;
  readonly y?: string;
  readonly n?: string;
  readonly e?: string;
}

/** How the key of an encrypted token's content reaches its API. @spec RFC 7518 §4.3, §4.6.2 */
export const ENCRYPTION_ALGORITHMS = ['ECDH-ES+A256KW', 'RSA-OAEP-256'] as const;
export type EncryptionAlgorithm = (typeof ENCRYPTION_ALGORITHMS)[number];
