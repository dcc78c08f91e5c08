import type { Scope } from '@latchkey/protocol/scope';
import type {
  AccountId,
  ClientId,
  EpochMilliseconds,
  EpochSeconds,
  FamilyId,
  ResourceIdentifier,
  SessionId,
  Sha256,
} from '@latchkey/protocol/types';

/** An authorization code: what a person allowed a client, waiting to be redeemed. Of its text there is only the hash. */
export interface AuthorizationCode {
  readonly hash: Sha256;
  readonly clientId: ClientId;
  readonly accountId: AccountId;
  readonly sessionId: SessionId;
  /** The family that its redemption starts: known beforehand, so that a replay ends exactly this one. */
  readonly familyId: FamilyId;
  readonly redirectUri: string;
  /** Whether the request named the redirect URI; then the redemption may name no other. */
  readonly isRedirectUriGiven: boolean;
  readonly scope: Scope;
  readonly resources: readonly ResourceIdentifier[];
  /** The claims about the person that were asked for one by one, to stand in the ID token. @spec OIDC Core §5.5 */
  readonly idTokenClaims: readonly string[];
  readonly nonce: string | undefined;
  /** The PKCE challenge; undefined only for a client that is exempted. @spec RFC 7636 §4.4 */
  readonly challenge: string | undefined;
  readonly authTime: EpochSeconds;
  readonly amr: readonly string[];
  /** The level of assurance that the sign-in had when the code was issued. @spec OIDC Core §2 */
  readonly acr: string | undefined;
  readonly wrongTries: number;
  readonly createdAt: EpochMilliseconds;
  readonly expiresAt: EpochMilliseconds;
  /** When it was redeemed. The row stays for the longest life of a code, so that a replay is known as one. */
  readonly redeemedAt: EpochMilliseconds | undefined;
}
