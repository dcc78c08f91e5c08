/** One look at a credential, in the order in which the server looks. */
export interface Check {
  readonly check: string;
  readonly result: 'passed' | 'failed' | 'not_reached';
  /** What was found, for a person to read. */
  readonly text: string;
}

/** What happened to what a credential depends on. */
export interface HappenedEvent {
  readonly what: string;
  /** RFC 3339 */
  readonly when: string;
  readonly by: string;
  readonly why: string;
}

/** Why something is refused, or that it is not, and what to do. */
export interface Explanation {
  readonly kind: string;
  readonly checks: readonly Check[];
  readonly event?: HappenedEvent;
  readonly advice: string;
}

/** A check that was reached. A failed one is the last: what comes after it was not looked at. */
export type Finding =
  | { readonly check: string; readonly passed: true; readonly text: string }
  | {
      readonly check: string;
      readonly passed: false;
      readonly text: string;
      readonly advice: string;
      readonly event?: HappenedEvent | undefined;
    };

export const passed = (check: string, text: string): Finding => ({ check, passed: true, text });
export const failed = (check: string, text: string, advice: string, event?: HappenedEvent): Finding => ({
  check,
  passed: false,
  text,
  advice,
  event,
});

/**
 * Puts findings together with the checks that were not reached.
 *
 * @param all every check by its name, in order, with what it asks
 * @param live what to do when nothing failed
 */
export function explanationOf(
  kind: string,
  all: Readonly<Record<string, string>>,
  findings: Iterable<Finding>,
  live: string,
): Explanation {
  const reached = [...findings];
  const last = reached.at(-1);
  const names = new Set(reached.map(({ check }) => check));
  const checks: Check[] = reached.map(({ check, passed, text }) => ({
    check,
    result: passed ? 'passed' : 'failed',
    text,
  }));
  for (const [check, text] of Object.entries(all))
    if (!names.has(check)) checks.push({ check, result: 'not_reached', text: `Not reached: ${text}` });
  if (last === undefined || last.passed) return { kind, checks, advice: live };
  return { kind, checks, ...(last.event === undefined ? {} : { event: last.event }), advice: last.advice };
}

/** A time, and how far from now it is. */
export function timeText(at: number, now: number): string {
  const far = Math.abs(at - now);
  const text = FAR.find(({ unit }) => far >= unit) ?? FAR.at(-1);
  const many = Math.floor(far / (text?.unit ?? 1));
  const words = `${many} ${text?.word ?? ''}${many === 1 ? '' : 's'}`;
  return `${new Date(at).toISOString()} (${at > now ? `in ${words}` : `${words} ago`})`;
}

const FAR = [
  { unit: 86_400_000, word: 'day' },
  { unit: 3_600_000, word: 'hour' },
  { unit: 60_000, word: 'minute' },
  { unit: 1_000, word: 'second' },
] as const;
