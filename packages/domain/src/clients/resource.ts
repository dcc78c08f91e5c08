import type { SigningAlgorithm } from '@latchkey/protocol/jwk';
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
  readonly algorithm: SigningAlgorithm;
  /** The `typ` of its tokens: `at+jwt`, or `JWT` for verifiers that know no other. */
  readonly tokenType: 'at+jwt' | 'JWT';
  readonly accessTokenSeconds: number;
  /** True for the issuer and the admin API, which come with the server. */
  readonly builtIn: boolean;
}
