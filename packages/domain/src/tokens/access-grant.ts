import type { Confirmation } from '@latchkey/protocol/claims';
import type { Position } from '@latchkey/protocol/position';
import type { Scope } from '@latchkey/protocol/scope';
import type { ClientId, EpochMilliseconds, EpochSeconds, FamilyId, Sealed, SessionId } from '@latchkey/protocol/types';
import type { Resource } from '../clients/resource.ts';

/**
 * What the access token about to be minted will say. Time and place come from the decision, never from the moment of
 * minting: a slow signature must not make a token younger than the facts behind it.
 */
export interface AccessGrant {
  readonly subject: string;
  readonly clientId: ClientId;
  readonly resource: Resource;
  readonly scope: Scope;
  readonly roles: readonly string[];
  readonly issuedAt: EpochMilliseconds;
  readonly pos: Position;
  readonly cnf: Confirmation | undefined;
  /** Undefined for a machine token. */
  readonly person: PersonGrant | undefined;
}

/** What a token of a person adds. */
export interface PersonGrant {
  readonly familyId: FamilyId;
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

/** What a login or a refresh issues. */
export interface TokenGrant {
  readonly access: AccessGrant;
  readonly refresh: RefreshGrant | undefined;
}
