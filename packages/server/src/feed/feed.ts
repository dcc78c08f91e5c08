import type { Position } from '@latchkey/protocol/position';
import type { ResourceId, SecretId } from '@latchkey/protocol/types';

/** What the node knows of the log. It reads the log after each commit that added to it, and at every heartbeat. */
export interface Feed {
  /** Reads the log for the first time, and begins to follow it. */
  open(): Promise<void>;
  /** Reads the log now, so that a stream that begins is as current as the request for it. */
  read(): Promise<void>;
  /**
   * Begins a stream with everything after a position, or with all there is.
   *
   * @returns the way to end it, or undefined when there are as many streams as there may be
   */
  subscribe(from: Position | undefined, reader: FeedReader): (() => void) | undefined;
  close(): void;
}

/** With what a reader came in; undefined for the open feed of development mode. */
export interface FeedCredential {
  readonly owner: ResourceId;
  readonly secret: SecretId;
}

/** Somebody who follows the feed. */
export interface FeedReader {
  readonly credential: FeedCredential | undefined;
  /** Takes text of the stream; false when so much lies unread that the reader should be cut off. */
  send(frames: string): boolean;
  end(): void;
}
