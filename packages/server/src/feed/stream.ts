import { LIMITS } from '@latchkey/protocol/limits';
import type { Position } from '@latchkey/protocol/position';
import { fail, ok, type Result } from '@latchkey/protocol/result';
import type { Refusal } from '../server.ts';
import type { Feed, FeedCredential } from './feed.ts';

/**
 * A stream of the feed as an answer. What its reader has not taken yet is bounded: one that lies too far behind is cut
 * off, and comes back with its cursor.
 *
 * @returns `streams_too_many`
 * @spec WHATWG HTML §9.2 (server-sent events)
 */
export function streamAnswer(
  feed: Feed,
  from: Position | undefined,
  credential: FeedCredential | undefined,
): Result<Response, Refusal> {
  const encoder = new TextEncoder();
  let stream: ReadableStreamDefaultController<Uint8Array> | undefined;
  let unsubscribe: (() => void) | undefined;
  let isEnded = false;

  function end(): void {
    if (isEnded) return;
    isEnded = true;
    unsubscribe?.();
    stream?.close();
  }
  const body = new ReadableStream<Uint8Array>(
    {
      start(controller) {
        stream = controller;
      },
      cancel() {
        isEnded = true;
        unsubscribe?.();
      },
    },
    { highWaterMark: LIMITS.feedBacklogBytesMax, size: (chunk) => chunk.byteLength },
  );
  let isFirst = true;
  unsubscribe = feed.subscribe(from, {
    credential,
    end,
    send(frames) {
      if (isEnded || stream === undefined) return true;
      // the first text is a snapshot that may be larger than the backlog of a live stream
      const mayTake = isFirst || (stream.desiredSize ?? 0) > 0;
      isFirst = false;
      if (mayTake) stream.enqueue(encoder.encode(frames));
      return mayTake;
    },
  });
  if (unsubscribe === undefined) return fail({ error: 'streams_too_many', headers: { 'retry-after': '5' } });
  return ok(
    new Response(body, {
      headers: {
        'content-type': 'text/event-stream',
        'cache-control': 'no-store',
        'x-accel-buffering': 'no',
        'x-content-type-options': 'nosniff',
      },
    }),
  );
}
