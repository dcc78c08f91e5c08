import type { Timers } from '@latchkey/protocol/timers';

/**
 * Runs work that gives up after a time, or when it is called off.
 *
 * @param cancelled what calls it off early
 */
export async function withDeadline<T>(
  timers: Timers,
  milliseconds: number,
  work: (signal: AbortSignal) => Promise<T>,
  cancelled?: AbortSignal,
): Promise<T> {
  const deadline = new AbortController();
  const stop = timers.inBackground(milliseconds, () => deadline.abort(new Error(`no answer in ${milliseconds} ms`)));
  const cancel = () => deadline.abort(cancelled?.reason);
  if (cancelled?.aborted === true) cancel();
  cancelled?.addEventListener('abort', cancel);
  try {
    return await work(deadline.signal);
  } finally {
    stop();
    cancelled?.removeEventListener('abort', cancel);
  }
}
