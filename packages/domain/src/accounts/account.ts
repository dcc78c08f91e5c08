import type { Position } from '@latchkey/protocol/position';
import type { AccountId, EpochMilliseconds, NormalisedIdentifier } from '@latchkey/protocol/types';

/** A stored person. */
export interface Account {
  readonly id: AccountId;
  readonly version: number;
  readonly createdAt: EpochMilliseconds;
  /** When an administrator disabled it; undefined while it may be used. */
  readonly disabledAt: EpochMilliseconds | undefined;
  /** Everything of this account that stands before this place in the log has ended. */
  readonly cutOff: Position | undefined;
}

/** One of the names under which a person signs in. */
export interface Identifier {
  readonly accountId: AccountId;
  readonly kind: 'username' | 'email';
  /** Unique among all identifiers. */
  readonly normalised: NormalisedIdentifier;
  /** As the person wrote it. */
  readonly display: string;
  /** When its owner showed that it is theirs, by a link that was sent there; undefined while nobody did. */
  readonly verifiedAt: EpochMilliseconds | undefined;
}

/** A role that an account has at a resource. */
export interface Role {
  readonly accountId: AccountId;
  readonly resource: string;
  readonly role: string;
}
