import type { Network } from './network.ts';
import type { ServerNode } from './node.ts';
import type { Scheduler } from './scheduler.ts';

/** What was delivered on a stream of the feed, when the stream was asked for, and when this had left the node. */
export interface Delivery {
  readonly text: string;
  readonly askedAt: number;
  readonly leftAt: number;
}

/** One verifier's way to the node, as its `fetch`: it can be cut, and it can hold back what travels on it. */
export interface FeedLine {
  readonly fetch: typeof globalThis.fetch;
  /** Breaks every stream that is open; what was under way is lost. */
  cut(): void;
  /** For so long nothing comes through: new requests fail, and streams hold back what they carry. */
  block(milliseconds: number): void;
}

export interface FeedLineParts {
  readonly scheduler: Scheduler;
  readonly network: Network;
  readonly node: () => ServerNode;
  readonly delivered: (delivery: Delivery) => void;
  /** A question about a token comes in at the server; what is called then hears whether it is active. */
  readonly introspects: (text: string) => (isActive: boolean) => void;
}

const tokenIn = ({ body }: RequestInit): string => new URLSearchParams(String(body)).get('token') ?? '';

/** Rejects when a request is called off. */
const abortOf = (signal: AbortSignal | null | undefined): Promise<never> =>
  new Promise((_, reject) => signal?.addEventListener('abort', () => reject(new Error('called off'))));

export function createFeedLine({ scheduler, network, node, delivered, introspects }: FeedLineParts): FeedLine {
  const streams = new Set<(reason: Error) => void>();
  let blockedUntil = 0;
  const blockedFor = () => Math.max(0, blockedUntil - scheduler.now());

  async function reach(url: string, init: RequestInit): Promise<Response> {
    const askedAt = scheduler.now();
    if (blockedFor() > 0) {
      await scheduler.sleep(Math.min(blockedFor(), 1_000));
      throw new TypeError('no way to the server');
    }
    await scheduler.sleep(network.transit());
    const answered = url.endsWith('/oauth/introspect') ? introspects(tokenIn(init)) : undefined;
    const response = await node().handle(new Request(url, init));
    if (response === undefined) throw new TypeError('the server does not answer');
    if (response.headers.get('content-type') === 'text/event-stream')
      return carry(response, askedAt, init.signal ?? undefined);
    const { status, headers } = response;
    const text = await response.text();
    answered?.(JSON.parse(text).active === true);
    await scheduler.sleep(network.transit());
    return new Response(text === '' ? null : text, { status, headers });
  }

  /** Passes a stream on, piece by piece, each a little later and in its order. */
  function carry({ body, status, headers }: Response, askedAt: number, signal: AbortSignal | undefined): Response {
    const reader = body?.getReader();
    let last = 0;
    let isOver = false;
    let out: ReadableStreamDefaultController<Uint8Array> | undefined;
    const carried = new ReadableStream<Uint8Array>({
      start(controller) {
        out = controller;
      },
      cancel: () => end(),
    });
    function end(reason?: Error): void {
      if (isOver) return;
      isOver = true;
      streams.delete(end);
      void reader?.cancel();
      if (reason !== undefined) out?.error(reason);
    }
    streams.add(end);
    if (signal?.aborted === true) end(new Error('called off'));
    signal?.addEventListener('abort', () => end(new Error('called off')));
    const inOrder = (action: () => void): void => {
      last = Math.max(last, scheduler.now() + network.transit() + blockedFor());
      scheduler.after(last - scheduler.now(), () => {
        if (!isOver) action();
      });
    };
    void (async () => {
      for (;;) {
        const piece = await reader?.read();
        const leftAt = scheduler.now();
        if (piece === undefined || piece.done) break;
        inOrder(() => {
          out?.enqueue(piece.value);
          delivered({ text: new TextDecoder().decode(piece.value), askedAt, leftAt });
        });
      }
      inOrder(() => end(new Error('the stream ended')));
    })();
    return new Response(carried, { status, headers });
  }

  return {
    fetch: (input, init = {}) => Promise.race([reach(String(input), init), abortOf(init.signal)]),
    cut() {
      for (const end of Array.from(streams)) end(new Error('the connection broke'));
    },
    block(milliseconds) {
      blockedUntil = scheduler.now() + milliseconds;
    },
  };
}
