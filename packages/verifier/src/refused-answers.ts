import type { ErrorId } from '@latchkey/protocol/errors';
import { LIMITS } from '@latchkey/protocol/limits';

/** What the server said no to, kept for a moment: who repeats it does not make us repeat the question. */
export interface RefusedAnswers {
  get(key: string): ErrorId | undefined;
  set(key: string, error: ErrorId): void;
}

const KEPT_MILLISECONDS = 10_000;

/** @param monotonic milliseconds that never go back */
export function createRefusedAnswers(monotonic: () => number, max: number = LIMITS.refusedAnswersMax): RefusedAnswers {
  const kept = new Map<string, { readonly error: ErrorId; readonly until: number }>();
  return {
    get(key) {
      const refused = kept.get(key);
      if (refused === undefined) return undefined;
      if (monotonic() < refused.until) return refused.error;
      kept.delete(key);
      return undefined;
    },
    set(key, error) {
      const [oldest] = kept.keys();
      if (kept.size >= max && oldest !== undefined) kept.delete(oldest);
      kept.set(key, { error, until: monotonic() + KEPT_MILLISECONDS });
    },
  };
}
