import type { EpochMilliseconds, ResourceId, Sha256 } from '@latchkey/protocol/types';

/** A token that was used, where it may be used once. Of its `jti` there is only the hash. */
export interface UsedToken {
  readonly resourceId: ResourceId;
  readonly hash: Sha256;
  /** From when on no verifier accepts the token any more. */
  readonly expiresAt: EpochMilliseconds;
}
