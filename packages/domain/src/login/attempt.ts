import type { AuthorizationRequest } from '@latchkey/protocol/authorization-request';
import type { AttemptId, EpochMilliseconds, SessionId, Sha256 } from '@latchkey/protocol/types';

/** How far a login has come: begun, an account chosen among those signed in, or a person authenticated. */
export type Progress =
  | { readonly stage: 'begun' }
  | { readonly stage: 'chosen'; readonly sessionId: SessionId }
  | { readonly stage: 'authenticated'; readonly sessionId: SessionId };

/** What a login is, whatever it is for. It belongs to the browser that began it. */
interface Login {
  readonly id: AttemptId;
  readonly version: number;
  /** Hash of the random value that the browser of this login holds in a cookie. */
  readonly browser: Sha256;
  readonly progress: Progress;
  readonly createdAt: EpochMilliseconds;
  readonly expiresAt: EpochMilliseconds;
}

/** A login that a client asked for, and that it is answered. */
export interface ClientLogin extends Login {
  readonly request: AuthorizationRequest;
}

/** A login to one of our own pages. */
export interface OwnLogin extends Login {
  readonly page: OwnPage;
}

/** One of our own pages, and how long ago whoever wants to see it may have proved who they are. */
export interface OwnPage {
  /** Under the issuer. It comes from our own code, never from a request: the browser is sent there. */
  readonly path: '/' | `/account${string}`;
  /** In seconds; undefined where any live session will do. */
  readonly maxAge: number | undefined;
}

/**
 * A login on the pages between its first step and its last: what it is for, and how far it is. It is stored only while
 * it waits for a person; what it is for cannot be changed on the way.
 */
export type LoginAttempt = ClientLogin | OwnLogin;

/** Who asked for a login, as the audit log names it: a client, or the server itself. */
export const requesterOf = (attempt: LoginAttempt): string =>
  'request' in attempt ? attempt.request.clientId : 'server';
