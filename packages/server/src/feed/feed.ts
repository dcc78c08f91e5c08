import type { RevocationEvent } from '@latchkey/protocol/claims';
import type { Position } from '@latchkey/protocol/position';
import type { EpochMilliseconds } from '@latchkey/protocol/types';

/** What the node knows of the log. It reads the log after each commit that added to it, and at every heartbeat. */
export interface Feed {
  /** Opens a stream after a position, or from the beginning. */
  subscribe(from: Position | undefined, reader: FeedReader): () => void;
  /** Ends the streams of a credential that is no longer good. */
  endStreamsOf(credential: string): void;
  close(): Promise<void>;
}

/** Somebody who follows the feed. */
export interface FeedReader {
  readonly credential: string;
  /** Takes events in order; false when it cannot keep up and should be cut off. */
  events(events: readonly RevocationEvent[]): boolean;
  /** How current what was sent is: when the node began its last successful read of the log. */
  heartbeat(asOf: EpochMilliseconds, position: Position): boolean;
  end(): void;
}
