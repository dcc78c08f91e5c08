import type { AccountId, AttemptId, ClientId, EpochMilliseconds, ResourceIdentifier } from '@latchkey/protocol/types';
import type { Delivery } from '../tokens/family.ts';

/** A way to prove who one is. More come with their own orders; none of them touches the first step. */
export type Factor = 'password';

/**
 * A login between its first step and its last: what was asked for, and what is proved so far. It is stored only while
 * it waits for a further step; one that needs nothing more goes from begun to complete in one transaction.
 */
export interface LoginAttempt {
  readonly id: AttemptId;
  readonly version: number;
  readonly accountId: AccountId;
  readonly clientId: ClientId;
  readonly asked: { readonly scope: string | undefined; readonly resource: ResourceIdentifier | undefined };
  readonly delivery: Delivery;
  readonly proved: readonly string[];
  readonly needed: readonly string[];
  readonly createdAt: EpochMilliseconds;
  readonly expiresAt: EpochMilliseconds;
}
