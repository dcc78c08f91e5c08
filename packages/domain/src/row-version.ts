import type { AccountId, AttemptId, ClientId, ResourceId, SessionId } from '@latchkey/protocol/types';

/**
 * A row and the version in which somebody saw it. What is proved before a transaction (a password, a secret) names the
 * rows it used in this way; a decision and the store refuse when one has changed since, so proofs do not go stale.
 */
export type RowVersion =
  | { readonly table: 'account'; readonly id: AccountId; readonly version: number }
  | { readonly table: 'password'; readonly id: AccountId; readonly version: number }
  | { readonly table: 'client'; readonly id: ClientId; readonly version: number }
  | { readonly table: 'resource'; readonly id: ResourceId; readonly version: number }
  | { readonly table: 'session'; readonly id: SessionId; readonly version: number }
  | { readonly table: 'attempt'; readonly id: AttemptId; readonly version: number };
