import { LIMITS } from '@latchkey/protocol/limits';
import { withDeadline } from './deadline.ts';
import { jsonAnswer } from './json-answer.ts';
import type { Config } from './options.ts';

/** Asks the server about a token while the feed is stale. */
export interface Introspector {
  /** True or false as the server says; undefined when it cannot be asked. */
  isActive(token: string, endpoint: string): Promise<boolean | undefined>;
  /** Forgets all answers: the feed is current again, and knows better. */
  clear(): void;
}

/** Questions under way at a time; one more is not asked. */
const UNDER_WAY_MAX = 50;
const TIMEOUT = 3_000;
/** A good answer is kept for so long while the feed is stale; a bad one is not kept. */
const KEPT_MILLISECONDS = 60_000;
const KEPT_MAX = 10_000;

/**
 * One question for one token at a time, and a budget for all of them: when the feed is lost, every request would else
 * turn into one to a server that is in trouble already.
 *
 * @spec RFC 7662 §2 (INT-11: whatever is no clear yes is no)
 */
export function createIntrospector(config: Pick<Config, 'basic' | 'fetch' | 'monotonic' | 'timers'>): Introspector {
  const underWay = new Map<string, Promise<boolean | undefined>>();
  const activeUntil = new Map<string, number>();

  async function ask(token: string, endpoint: string): Promise<boolean | undefined> {
    const askedAt = config.monotonic();
    try {
      const answer = await withDeadline(config.timers, TIMEOUT, (signal) => post(token, endpoint, signal));
      const active = typeof answer === 'object' && answer !== null && 'active' in answer ? answer.active : undefined;
      if (typeof active !== 'boolean') return undefined;
      if (active) keep(token, askedAt + KEPT_MILLISECONDS);
      return active;
    } catch {
      return undefined; // whatever went wrong, there is no answer, and without one nothing is accepted
    }
  }

  async function post(token: string, endpoint: string, signal: AbortSignal): Promise<unknown> {
    const response = await config.fetch(endpoint, {
      method: 'POST',
      headers: {
        authorization: config.basic ?? '',
        accept: 'application/json',
        'content-type': 'application/x-www-form-urlencoded',
      },
      body: new URLSearchParams({ token }).toString(),
      redirect: 'error',
      signal,
    });
    if (response.ok) return jsonAnswer(response, LIMITS.keySetBytesMax);
    await response.body?.cancel();
    return undefined;
  }

  function keep(token: string, until: number): void {
    const [oldest] = activeUntil.keys();
    if (activeUntil.size >= KEPT_MAX && oldest !== undefined) activeUntil.delete(oldest);
    activeUntil.set(token, until);
  }

  return {
    isActive(token, endpoint) {
      if ((activeUntil.get(token) ?? 0) > config.monotonic()) return Promise.resolve(true);
      const waiting = underWay.get(token);
      if (waiting !== undefined) return waiting;
      if (underWay.size >= UNDER_WAY_MAX) return Promise.resolve(undefined);
      const asking = ask(token, endpoint).finally(() => underWay.delete(token));
      underWay.set(token, asking);
      return asking;
    },
    clear: () => activeUntil.clear(),
  };
}
