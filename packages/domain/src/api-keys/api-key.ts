import type { RateLimit } from '@latchkey/protocol/api-key-terms';
import type { Position } from '@latchkey/protocol/position';
import type { Scope } from '@latchkey/protocol/scope';
import type {
  AccountId,
  ApiKeyId,
  ClientId,
  EpochMilliseconds,
  ResourceIdentifier,
  Sha256,
} from '@latchkey/protocol/types';
import type { Ended } from '../login/session.ts';

/**
 * A long-lived credential for one resource, which acts for its owner. Of its secret there is only the hash; after a
 * rotation the one before stays good for an overlap.
 */
export interface ApiKey {
  readonly id: ApiKeyId;
  readonly version: number;
  /** Whose key it is, and whose end is its end. */
  readonly owner: AccountId | ClientId;
  readonly environment: 'live' | 'test';
  readonly name: string;
  readonly resource: ResourceIdentifier;
  readonly scope: Scope;
  /** The `org_id` of its answers; undefined where there are no tenants. */
  readonly tenant: string | undefined;
  /** From where it may be used, as CIDR; empty for anywhere. */
  readonly networks: readonly string[];
  readonly quota: Quota | undefined;
  readonly rate: RateLimit | undefined;
  /** Whatever whoever made it wants to remember of it. */
  readonly metadata: Readonly<Record<string, string>>;
  readonly secretHash: Sha256;
  readonly previous: { readonly hash: Sha256; readonly until: EpochMilliseconds } | undefined;
  readonly createdAt: EpochMilliseconds;
  readonly expiresAt: EpochMilliseconds;
  readonly pos: Position;
  readonly ended: Ended | undefined;
}

/** How often a key may be used in each period; periods begin with the hour, day or month in UTC. */
export interface Quota {
  readonly uses: number;
  readonly period: 'hour' | 'day' | 'month';
}
