import type { AuthorizationRequest } from '@latchkey/protocol/authorization-request';
import type { AttemptId, EpochMilliseconds, SessionId, Sha256 } from '@latchkey/protocol/types';

/** How far a login has come: begun, an account chosen among those signed in, or a person authenticated. */
export type Progress =
  | { readonly stage: 'begun' }
  | { readonly stage: 'chosen'; readonly sessionId: SessionId }
  | { readonly stage: 'authenticated'; readonly sessionId: SessionId };

/**
 * A login on the pages between its first step and its last: what was asked for, and how far it is. It is stored only
 * while it waits for a person, and belongs to the browser that began it; what it asks for cannot be changed on the way.
 */
export interface LoginAttempt {
  readonly id: AttemptId;
  readonly version: number;
  /** Hash of the random value that the browser of this login holds in a cookie. */
  readonly browser: Sha256;
  readonly request: AuthorizationRequest;
  readonly progress: Progress;
  readonly createdAt: EpochMilliseconds;
  readonly expiresAt: EpochMilliseconds;
}
