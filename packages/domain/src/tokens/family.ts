import type { Confirmation } from '@latchkey/protocol/claims';
import type { Position } from '@latchkey/protocol/position';
import type { Scope } from '@latchkey/protocol/scope';
import {
  type AccountId,
  type ClientId,
  type EpochMilliseconds,
  type EpochSeconds,
  type FamilyId,
  later,
  type ResourceIdentifier,
  type Sealed,
  type SessionId,
  type Sha256,
} from '@latchkey/protocol/types';
import type { Ended } from '../login/session.ts';

/** How the tokens of a family reach the client; fixed at login. A cookie family never yields a token in a body. */
export type Delivery = 'body' | 'cookie';

/** What one session (or an offline consent) allowed one client, and its refresh token with all successors. */
export interface TokenFamily {
  readonly id: FamilyId;
  readonly accountId: AccountId;
  readonly clientId: ClientId;
  /** The session it ends with; undefined for an offline family. */
  readonly sessionId: SessionId | undefined;
  /**
   * The session in which it began, of whose end its client is told, also where it outlives it. Undefined for offline
   * families of rows before the third schema.
   */
  readonly beganIn: SessionId | undefined;
  /** By what its tokens name the person and the session, where its client knows people by pairwise subjects. */
  readonly pairwise: Pairwise | undefined;
  readonly scope: Scope;
  readonly resources: readonly ResourceIdentifier[];
  /** The claims about the person that were asked for one by one, to stand in the ID token. @spec OIDC Core §5.5 */
  readonly idTokenClaims: readonly string[];
  readonly delivery: Delivery;
  readonly cnf: Confirmation | undefined;
  /**
   * How and when the person proved who they are when the family began: its tokens never say more, whatever the session
   * has seen since. Undefined in rows of the first schema.
   */
  readonly authenticated: Authenticated | undefined;
  readonly createdAt: EpochMilliseconds;
  /** Its absolute end, however often it is refreshed. */
  readonly expiresAt: EpochMilliseconds;
  readonly pos: Position;
  readonly ended: Ended | undefined;
  /** Undefined for a family whose client gets no refresh token. */
  readonly refresh: RefreshState | undefined;
}

/**
 * Names that mean something in one sector only, so that two sectors that compare what they were told find nothing. The
 * session's is the id of the first family that the client had in it.
 *
 * @spec OIDC Core §8.1
 */
export interface Pairwise {
  readonly subject: string;
  readonly sid: string;
}

/** The `sub` of all tokens of a family. */
export const subjectOf = ({ pairwise, accountId }: TokenFamily): string => pairwise?.subject ?? accountId;

/** The `sid` by which a client knows the session that a family began in. */
export const sidOf = ({ pairwise, beganIn, sessionId }: TokenFamily): string | undefined =>
  pairwise?.sid ?? beganIn ?? sessionId;

/** @spec OIDC Core §12.2 (`auth_time` of the original authentication); RFC 8176 */
export interface Authenticated {
  readonly authTime: EpochSeconds;
  readonly amr: readonly string[];
  /** The level of assurance that it was then; undefined where no level was reached, and in rows that know of none. */
  readonly acr: string | undefined;
}

/** The one live refresh token of a family. */
export interface RefreshState {
  readonly generation: number;
  /** When this generation was made. */
  readonly rotatedAt: EpochMilliseconds;
  /** When the refresh token was last of use: at the rotation, or later where it is kept. */
  readonly lastUsedAt: EpochMilliseconds;
  /** A refresh token that lies unused for so long has expired. */
  readonly idleSeconds: number;
  /** For how long after the rotation the generation before may be repeated. */
  readonly overlapMilliseconds: number;
  /** If set, only a repeat with this random id of the client's own falls within the overlap. */
  readonly attemptHash: Sha256 | undefined;
  /** How often the overlap of this generation was used. */
  readonly overlapUses: number;
  /** In how many generations in a row, with this one, an overlap was used. */
  readonly overlapStreak: number;
  /** Which MAC key made the outer MAC of this generation. */
  readonly macKeyId: number;
  /** 16 random bytes, sealed; the refresh token of every generation is derived from them, and none is stored. */
  readonly seed: Sealed;
}

/** The first refresh token of a family: nothing came before it, so there is nothing to repeat. */
export const firstRefresh = (
  { idleSeconds, macKeyId, seed }: Pick<RefreshState, 'idleSeconds' | 'macKeyId' | 'seed'>,
  now: EpochMilliseconds,
): RefreshState => ({
  generation: 0,
  rotatedAt: now,
  lastUsedAt: now,
  idleSeconds,
  overlapMilliseconds: 0,
  attemptHash: undefined,
  overlapUses: 0,
  overlapStreak: 0,
  macKeyId,
  seed,
});

/** When a refresh token expires if it is not used before. */
export const idleEnd = ({ lastUsedAt, idleSeconds }: RefreshState): EpochMilliseconds =>
  later(lastUsedAt, idleSeconds * 1000);
