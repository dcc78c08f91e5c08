import type { ApiKeyId, EpochSeconds, ResourceId } from '@latchkey/protocol/types';

/** A lease that a verifier holds, as it is stored until it is closed, or until nobody may close it any more. */
export interface StoredLease {
  readonly id: string;
  readonly apiKey: ApiKeyId;
  /** Whose verifier it is, and which of them: nobody else may close it. */
  readonly resourceId: ResourceId;
  readonly instance: string;
  /** The period that it was taken from. */
  readonly startsAt: EpochSeconds;
  readonly uses: number;
  readonly until: EpochSeconds;
}
