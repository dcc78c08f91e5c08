import type { SigningAlgorithm } from '@latchkey/protocol/jwk';
import type { Position } from '@latchkey/protocol/position';
import type { ApplicationType } from '@latchkey/protocol/redirect-uri';
import type { Scope } from '@latchkey/protocol/scope';
import type { TOKEN_EXCHANGE } from '@latchkey/protocol/token-request';
import type {
  ClientId,
  EpochMilliseconds,
  ResourceId,
  ResourceIdentifier,
  SecretId,
  Sha256,
} from '@latchkey/protocol/types';

/** How a client authenticates at the endpoints; `none` makes it a public client. @spec RFC 7591 §2 */
export type ClientAuthenticationMethod = 'none' | 'client_secret_basic' | 'client_secret_post';

export type GrantType = 'authorization_code' | 'client_credentials' | 'refresh_token' | typeof TOKEN_EXCHANGE;

/** An OAuth client. */
export interface Client {
  readonly id: ClientId;
  readonly version: number;
  readonly name: string;
  readonly createdAt: EpochMilliseconds;
  readonly deletedAt: EpochMilliseconds | undefined;
  readonly authentication: ClientAuthenticationMethod;
  /** True when an administrator said that it is the deployment's own: it may ask people for their password. */
  readonly firstParty: boolean;
  readonly grantTypes: readonly GrantType[];
  /** The scopes that it may ask for, whatever the resource. */
  readonly scope: Scope;
  /** The resources that it may ask for; the first is its default. */
  readonly resources: readonly ResourceIdentifier[];
  /** Origins of its pages, exact. They may call the first-party API and the token endpoint. */
  readonly origins: readonly string[];
  /** A native application's redirect URIs may be private-use schemes, and its loopback ports vary. */
  readonly applicationType: ApplicationType;
  /** Where answers to authorization requests may go, exact. */
  readonly redirectUris: readonly string[];
  /** Where a browser may go after a logout, exact. */
  readonly postLogoutRedirectUris: readonly string[];
  /** Where its server is told that a session has ended. @spec OIDC Back-Channel Logout §2.2 */
  readonly backchannelLogoutUri: string | undefined;
  /** Whether it needs the session in what it is told, and not the person alone. */
  readonly backchannelLogoutSessionRequired: boolean;
  /**
   * The sector in which it knows people, each by a pairwise subject; undefined where it knows them by their account.
   *
   * @spec OIDC Core §8
   */
  readonly sector: string | undefined;
  /** False only for a confidential client that an administrator exempted. */
  readonly requiresPkce: boolean;
  /** What its ID tokens are signed with. */
  readonly idTokenAlgorithm: SigningAlgorithm;
  /** Whether the claims of `profile` and `email` stand in its ID tokens too. */
  readonly hasScopeClaimsInIdToken: boolean;
  /** `rotate`: each refresh makes a new refresh token. `keep`: the same one stays (confidential clients only). */
  readonly refreshPolicy: 'rotate' | 'keep';
  /** Overlap of its families, when it is not the rule's default; in milliseconds, at most 30 000. */
  readonly overlapMilliseconds: number | undefined;
  /** Everything of this client that stands before this place in the log has ended. */
  readonly cutOff: Position | undefined;
}

export const isPublic = (client: Client): boolean => client.authentication === 'none';

/** One of the secrets of a client or of a resource server; they expire one by one, so that one can replace another. */
export interface OwnerSecret {
  readonly id: SecretId;
  readonly owner: ClientId | ResourceId;
  readonly hash: Sha256;
  readonly createdAt: EpochMilliseconds;
  readonly expiresAt: EpochMilliseconds | undefined;
}

/** A client whose authentication was proved, in the version that was proved. */
export interface ProvedClient {
  readonly id: ClientId;
  readonly version: number;
  /** `none` for a public client, which only named itself. */
  readonly authentication: ClientAuthenticationMethod;
  readonly grantTypes: readonly GrantType[];
}

/** The client, as whoever proved it hands it on. */
export const proved = ({ id, version, authentication, grantTypes }: Client): ProvedClient => ({
  id,
  version,
  authentication,
  grantTypes,
});
