import type { ApiKeyId, ResourceId } from '@latchkey/protocol/types';

/** One use of a key that this process decided about. */
export interface CountedUse {
  readonly apiKey: ApiKeyId;
  readonly resourceId: ResourceId;
  readonly isAllowed: boolean;
}

/** Counts uses in memory and writes them down now and then: a write for each would be one too many. */
export interface UsageCounter {
  count(use: CountedUse): void;
  /** Writes down what was counted since. When it cannot, it counts on. */
  flush(): Promise<void>;
}
