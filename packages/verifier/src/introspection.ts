import { LIMITS } from '@latchkey/protocol/limits';
import { fail, ok, type Result } from '@latchkey/protocol/result';
import { type JsonObject, member } from '@latchkey/tokens/formats/strict-json';
import { withDeadline } from './deadline.ts';
import { strictAnswer } from './json-answer.ts';
import type { Config } from './options.ts';

/** What the server says of a credential, and when it was asked, by the monotonic clock. */
export interface Said {
  readonly answer: JsonObject & { readonly active: boolean };
  readonly askedAt: number;
}

/** Why there is no answer; without one nothing is accepted. */
export type NoAnswer = 'verifier_busy' | 'introspection_unavailable';

/** How a question is asked. */
export interface Question {
  readonly endpoint: string;
  /** Parameters beside the token. */
  readonly form?: Readonly<Record<string, string>>;
  /** True for a question whose answer counts for one request only. */
  readonly isOwn?: boolean;
}

/** Asks the server about credentials. */
export interface Introspector {
  ask(token: string, question: Question): Promise<Result<Said, NoAnswer>>;
  /** For a signed token while the feed is stale: true or false as the server says; undefined when it cannot be asked. */
  isActive(token: string, endpoint: string): Promise<boolean | undefined>;
  /** Forgets what `isActive` was told: the feed is current again, and knows better. */
  clear(): void;
}

const TIMEOUT = 3_000;
/** A good answer is kept for so long while the feed is stale; a bad one is not kept. */
const KEPT_MILLISECONDS = 60_000;
const KEPT_MAX = 10_000;

/**
 * One question for one token at a time, and a budget for all of them: when the feed is lost, or somebody makes tokens up,
 * every request would else turn into one to a server that has other things to do.
 *
 * @spec RFC 7662 §2 (INT-11: whatever is no clear yes is no)
 */
export function createIntrospector(config: Pick<Config, 'basic' | 'fetch' | 'monotonic' | 'timers'>): Introspector {
  const underWay = new Map<string, Promise<Result<Said, NoAnswer>>>();
  const activeUntil = new Map<string, number>();
  let questions = 0;

  async function askNow(token: string, question: Question): Promise<Result<Said, NoAnswer>> {
    const askedAt = config.monotonic();
    questions += 1;
    try {
      const answer = await withDeadline(config.timers, TIMEOUT, (signal) => post(token, question, signal));
      const active = answer === undefined ? undefined : member(answer, 'active');
      if (typeof active !== 'boolean') return fail('introspection_unavailable');
      return ok({ answer: { ...answer, active }, askedAt });
    } catch {
      return fail('introspection_unavailable'); // whatever went wrong, there is no answer
    } finally {
      questions -= 1;
    }
  }

  async function post(
    token: string,
    { endpoint, form }: Question,
    signal: AbortSignal,
  ): Promise<JsonObject | undefined> {
    const response = await config.fetch(endpoint, {
      method: 'POST',
      headers: {
        authorization: config.basic ?? '',
        accept: 'application/json',
        'content-type': 'application/x-www-form-urlencoded',
      },
      body: new URLSearchParams({ token, ...form }).toString(),
      redirect: 'error',
      signal,
    });
    if (response.ok) return strictAnswer(response, LIMITS.keySetBytesMax);
    await response.body?.cancel();
    return undefined;
  }

  function ask(token: string, question: Question): Promise<Result<Said, NoAnswer>> {
    const waiting = question.isOwn === true ? undefined : underWay.get(token);
    if (waiting !== undefined) return waiting;
    if (questions >= LIMITS.introspectionsMax) return Promise.resolve(fail('verifier_busy'));
    if (question.isOwn === true) return askNow(token, question);
    const asking = askNow(token, question).finally(() => underWay.delete(token));
    underWay.set(token, asking);
    return asking;
  }

  function keep(token: string, until: number): void {
    const [oldest] = activeUntil.keys();
    if (activeUntil.size >= KEPT_MAX && oldest !== undefined) activeUntil.delete(oldest);
    activeUntil.set(token, until);
  }

  return {
    ask,
    async isActive(token, endpoint) {
      if ((activeUntil.get(token) ?? 0) > config.monotonic()) return true;
      const said = await ask(token, { endpoint });
      if (!said.ok) return undefined;
      const { answer, askedAt } = said.value;
      if (answer.active) keep(token, askedAt + KEPT_MILLISECONDS);
      return answer.active;
    },
    clear: () => activeUntil.clear(),
  };
}
