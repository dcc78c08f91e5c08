import type { Actor, Confirmation } from '@latchkey/protocol/claims';
import { claimsOf } from '@latchkey/protocol/claims-request';
import type { SigningAlgorithm } from '@latchkey/protocol/jwk';
import type { Position } from '@latchkey/protocol/position';
import type { Scope } from '@latchkey/protocol/scope';
import type {
  AccountId,
  ApiKeyId,
  ClientId,
  EpochMilliseconds,
  EpochSeconds,
  FamilyId,
  Sealed,
  SessionId,
} from '@latchkey/protocol/types';
import type { Client } from '../clients/client.ts';
import type { Resource } from '../clients/resource.ts';
import type { AddedClaims } from './added-claims.ts';
import { idleEnd, type RefreshState, sidOf, subjectOf, type TokenFamily } from './family.ts';

/**
 * What the access token about to be minted will say. Time and place come from the decision, never from the moment of
 * minting: a slow signature must not make a token younger than the facts behind it.
 */
export interface AccessGrant extends AddedClaims {
  readonly subject: string;
  /** Of a token that was made of an API key of an account, by nobody who said who they are, it is the key. */
  readonly clientId: ClientId | ApiKeyId;
  readonly resource: Resource;
  readonly scope: Scope;
  readonly issuedAt: EpochMilliseconds;
  readonly pos: Position;
  readonly cnf: Confirmation | undefined;
  /** Undefined for a machine token. */
  readonly person: PersonGrant | undefined;
  /** Undefined for a token that was not made of an API key. */
  readonly apiKey: ApiKeyGrant | undefined;
}

/** What a token adds that was made of an API key. It dies with the key. */
interface ApiKeyGrant {
  readonly id: ApiKeyId;
  /** When the secret ends that was presented. No token outlives it. */
  readonly goodUntil: EpochMilliseconds;
  /** Who acts for its subject, if anybody does. */
  readonly act: Actor | undefined;
}

/** What a token of a person adds. */
export interface PersonGrant {
  readonly familyId: FamilyId;
  /** When the family ends. No token outlives it: what has expired is ended by nobody any more. */
  readonly familyExpiresAt: EpochMilliseconds;
  /** Undefined also for a family with a pairwise subject: the session would be the same in all sectors. */
  readonly sessionId: SessionId | undefined;
  readonly authTime: EpochSeconds | undefined;
  readonly amr: readonly string[];
  readonly acr: string | undefined;
}

/** A refresh token about to be minted: derived from the family's seed and this generation. */
export interface RefreshGrant {
  readonly familyId: FamilyId;
  readonly generation: number;
  readonly macKeyId: number;
  readonly seed: Sealed;
  /** When the family ends absolutely, and when this refresh token expires if it is not used before. */
  readonly familyExpiresAt: EpochMilliseconds;
  readonly idleExpiresAt: EpochMilliseconds;
}

/** An ID token about to be minted. */
export interface IdTokenGrant {
  readonly accountId: AccountId;
  readonly subject: string;
  readonly clientId: ClientId;
  readonly algorithm: SigningAlgorithm;
  /** The claims about the person that stand in the token itself; none where the client asks the UserInfo endpoint. */
  readonly claims: readonly string[];
  readonly nonce: string | undefined;
  readonly issuedAt: EpochMilliseconds;
  /** The session in which the person signed in, by which the client knows a logout token. */
  readonly sid: string | undefined;
  readonly authTime: EpochSeconds | undefined;
  readonly amr: readonly string[];
  readonly acr: string | undefined;
}

/** The refresh token of a family in this state. */
export const refreshGrantOf = (family: TokenFamily, refresh: RefreshState): RefreshGrant => ({
  familyId: family.id,
  generation: refresh.generation,
  macKeyId: refresh.macKeyId,
  seed: refresh.seed,
  familyExpiresAt: family.expiresAt,
  idleExpiresAt: idleEnd(refresh),
});

/** What a login, a redemption or a refresh issues. */
export interface TokenGrant {
  readonly access: AccessGrant;
  readonly refresh: RefreshGrant | undefined;
  /** Undefined where the client did not ask who the person is. */
  readonly identity: IdTokenGrant | undefined;
}

/**
 * The ID token of a family, for a client that asked who the person is.
 *
 * @spec OIDC Core §3.1.2.1 (OIDC-01: only with `openid`), §5.5, §12.2
 */
export function identityOf(
  family: TokenFamily,
  client: Client,
  { issuedAt, person }: Pick<AccessGrant, 'issuedAt' | 'person'>,
  nonce: string | undefined,
): IdTokenGrant | undefined {
  if (person === undefined || !family.scope.includes('openid')) return undefined;
  return {
    accountId: family.accountId,
    subject: subjectOf(family),
    clientId: family.clientId,
    algorithm: client.idTokenAlgorithm,
    claims: client.hasScopeClaimsInIdToken ? claimsOf(family.scope) : family.idTokenClaims,
    nonce,
    issuedAt,
    sid: sidOf(family),
    authTime: person.authTime,
    amr: person.amr,
    acr: person.acr,
  };
}
