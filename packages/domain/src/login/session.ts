import type { Position } from '@latchkey/protocol/position';
import type { AccountId, EpochMilliseconds, EpochSeconds, SessionId, Sha256 } from '@latchkey/protocol/types';
import type { EndReason } from '../tokens/end-reason.ts';

/** One login of one account on one device. */
export interface Session {
  readonly id: SessionId;
  readonly version: number;
  readonly accountId: AccountId;
  readonly createdAt: EpochMilliseconds;
  /** Its absolute end; idle limits are those of its families. */
  readonly expiresAt: EpochMilliseconds;
  readonly authTime: EpochSeconds;
  /** How the person proved who they are. @spec RFC 8176 */
  readonly amr: readonly string[];
  /** The strongest level of assurance that it reached then. What a client gets to know depends on when it asks. */
  readonly acr: string | undefined;
  /** From where, for the person to recognise it. */
  readonly address: string | undefined;
  readonly userAgent: string | undefined;
  readonly pos: Position;
  readonly ended: Ended | undefined;
  /** By what a browser shows that it is in this session; undefined for a session of the first-party API. */
  readonly cookie: SessionCookie | undefined;
}

/** The cookie of a browser's session: a random value of its own, never the `sid`, new at each authentication. */
export interface SessionCookie {
  readonly hash: Sha256;
  /** A cookie that was not seen for so long signs nobody in. */
  readonly idleSeconds: number;
  readonly seenAt: EpochMilliseconds;
}

/** A session as its owner sees it in a list. */
export interface SessionSummary extends Session {
  /** When one of its families was last refreshed, or when it began. */
  readonly lastSeenAt: EpochMilliseconds;
}

/** When, why and by whom something ended. */
export interface Ended {
  readonly at: EpochMilliseconds;
  readonly reason: EndReason;
  /** An account id, a client id, or `server`. */
  readonly by: string;
}
