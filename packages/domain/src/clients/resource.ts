import type { PublicEncryptionJwk, ResourceAlgorithm } from '@latchkey/protocol/jwk';
import { LIMITS } from '@latchkey/protocol/limits';
import type { Scope } from '@latchkey/protocol/scope';
import type { EpochMilliseconds, ResourceId, ResourceIdentifier } from '@latchkey/protocol/types';

/** An API: what tokens for it look like, and what scopes it knows. */
export interface Resource {
  readonly id: ResourceId;
  readonly version: number;
  readonly identifier: ResourceIdentifier;
  /** The `aud` of its tokens: its identifier, or a plain name where the API wants one. */
  readonly audience: string;
  readonly name: string;
  readonly createdAt: EpochMilliseconds;
  readonly scope: Scope;
  readonly algorithm: ResourceAlgorithm;
  /** The `typ` of its tokens: `at+jwt`, or `JWT` for verifiers that know no other. */
  readonly tokenType: 'at+jwt' | 'JWT';
  readonly accessTokenSeconds: number;
  /** What its access tokens are: signed; signed and encrypted to it; or a text without meaning, explained by introspection. */
  readonly format: 'jwt' | 'jwe' | 'opaque';
  /** To whom its tokens are encrypted; there is one wherever the format is `jwe`. */
  readonly encryptionKey: PublicEncryptionJwk | undefined;
  /** Claims of its tokens that are taken from what is kept about the account. */
  readonly claims: readonly MappedClaim[];
  /** What each role may do: the `permissions` claim is what the roles of a token add up to. */
  readonly permissions: Readonly<Record<string, readonly string[]>>;
  /** Whether its tokens may say an e-mail address where anybody who holds them can read it. */
  readonly allowsEmailClaim: boolean;
  /** The largest access token that is made for it, in bytes as sent. */
  readonly accessTokenBytes: number;
  /** Whether each of its tokens has a place in a status list. */
  readonly hasStatusList: boolean;
  /** Whether people may make API keys for it themselves. */
  readonly hasSelfServiceKeys: boolean;
  /** True for the issuer and the admin API, which come with the server. */
  readonly builtIn: boolean;
}

/** A claim, and the name under which its value stands in the metadata of an account. */
export interface MappedClaim {
  readonly claim: string;
  readonly from: string;
}

/** What a resource is unless its administrator says otherwise. */
export const PLAIN_RESOURCE = {
  format: 'jwt',
  encryptionKey: undefined,
  claims: [],
  permissions: {},
  allowsEmailClaim: false,
  accessTokenBytes: LIMITS.accessTokenBytesDefault,
  hasStatusList: false,
  hasSelfServiceKeys: false,
} as const satisfies Partial<Resource>;
