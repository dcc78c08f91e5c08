import type { ErrorId } from '@latchkey/protocol/errors';
import { LIMITS } from '@latchkey/protocol/limits';
import { readReportAnswer } from './api-key-terms.ts';
import { withDeadline } from './deadline.ts';
import { jsonAnswer } from './json-answer.ts';
import type { Metered, Meters } from './meters.ts';
import type { Config } from './options.ts';
import type { Refusal } from './refusals.ts';

/** Tells the server what was refused and used, now and then, and hears what may be used from here on. */
export interface Reports {
  /** Gives a refusal its id. */
  remember(error: ErrorId, where: string, about: Readonly<Record<string, string>>): string;
  /** Uses were counted: there is something for the next report. */
  used(): void;
  /** Asks at once for more uses of a key; says whether the server answered. */
  now(key: string): Promise<boolean>;
  /** Tells a last time what there is, with all leases given back. */
  close(): void;
}

const REFUSALS_EVERY = 1_000;
const USES_EVERY = 10_000;
/** Refusals that find room beside a report about keys. */
const REFUSALS_BESIDE = 100;
const TIMEOUT = 3_000;
/** After a failure, nobody makes us tell again at once for so long. */
const COOL_DOWN = 1_000;
const ANSWER_BYTES_MAX = 1_048_576;
/** Answers after which the same report may do better. */
const PASSING: ReadonlySet<number> = new Set([401, 408, 425, 429]);

type Part = Pick<
  Config,
  'issuer' | 'basic' | 'fetch' | 'now' | 'name' | 'instance' | 'random' | 'timers' | 'onEvent' | 'monotonic'
>;

/** A report about keys has a number; it is told again, the same, until it is answered: then it counts once. */
interface Numbered extends Metered {
  readonly instance: string;
  readonly number: number;
}

interface Due {
  readonly at: number;
  readonly stop: () => void;
}

export function createReports(config: Part, meters: Meters): Reports {
  let last = Math.floor(config.random() * 2 ** 32);
  let waiting: Refusal[] = [];
  let number = 0;
  let unanswered: Numbered | undefined;
  let due: Due | undefined;
  let sending: Promise<boolean> | undefined;
  let next: Promise<boolean> | undefined;
  let isClosed = false;
  let failedAt = Number.NEGATIVE_INFINITY;

  /** The next report goes at the latest after so long. */
  function within(milliseconds: number): void {
    if (config.basic === undefined || isClosed) return;
    const at = config.monotonic() + milliseconds;
    if (due !== undefined && due.at <= at) return;
    due?.stop();
    due = { at, stop: config.timers.inBackground(milliseconds, () => void send()) };
  }

  function send(): Promise<boolean> {
    due?.stop();
    due = undefined;
    sending ??= tell().finally(() => {
      sending = undefined;
      if (waiting.length > 0) within(REFUSALS_EVERY);
      if (meters.hasNews || unanswered !== undefined) within(USES_EVERY);
    });
    return sending;
  }

  function compose(): Numbered | undefined {
    if (unanswered !== undefined) return unanswered;
    const metered = meters.collect(isClosed);
    if (metered.usage.length + metered.closed.length + metered.renew.length === 0) return undefined;
    number += 1;
    return { instance: config.instance, number, ...metered };
  }

  async function tell(): Promise<boolean> {
    unanswered = compose();
    const refusals = waiting.splice(0, unanswered === undefined ? LIMITS.refusalsPerReportMax : REFUSALS_BESIDE);
    if (refusals.length === 0 && unanswered === undefined) return true;
    try {
      const body = JSON.stringify({ refusals, ...unanswered });
      const answer = await withDeadline(config.timers, TIMEOUT, (signal) => post(body, signal));
      const asked = unanswered?.renew ?? [];
      unanswered = undefined;
      meters.answered(readReportAnswer(answer), asked);
      return true;
    } catch (error) {
      if (error instanceof Refused) {
        meters.answered({ leases: [], rates: [] }, unanswered?.renew ?? []);
        unanswered = undefined;
      }
      failedAt = config.monotonic();
      config.onEvent({ event: 'reports_lost', reason: error instanceof Error ? error.message : String(error) });
      return false;
    }
  }

  async function post(body: string, signal: AbortSignal): Promise<unknown> {
    const response = await config.fetch(`${config.issuer}/reports`, {
      method: 'POST',
      headers: { authorization: config.basic ?? '', 'content-type': 'application/json' },
      body,
      redirect: 'error',
      signal,
    });
    if (response.status === 200) return jsonAnswer(response, ANSWER_BYTES_MAX);
    await response.body?.cancel();
    if (response.ok) return undefined; // a server that takes refusals only
    const reason = `reports were answered ${response.status}`;
    const isFinal = response.status >= 400 && response.status < 500 && !PASSING.has(response.status);
    throw isFinal ? new Refused(reason) : new Error(reason);
  }

  return {
    remember(error, where, about) {
      last += 1;
      const id = `${config.name}-${last.toString(36)}`;
      if (config.basic !== undefined && !isClosed) {
        if (waiting.length >= LIMITS.refusalsKept) waiting = waiting.slice(LIMITS.refusalsPerReportMax);
        waiting.push({ id, error, at: Math.floor(config.now()), where, about });
        within(REFUSALS_EVERY);
      }
      return id;
    },
    used: () => within(USES_EVERY),
    now(key) {
      if (isClosed || config.basic === undefined) return Promise.resolve(false);
      if (sending !== undefined && unanswered?.renew.includes(key) === true) return sending;
      if (sending === undefined && config.monotonic() - failedAt < COOL_DOWN) return Promise.resolve(false);
      next ??= askNext();
      return next;
    },
    close() {
      if (isClosed) return;
      due?.stop();
      due = undefined;
      waiting = [];
      isClosed = true;
      void askNext();
    },
  };

  /** What is under way, or comes again, does not hold what is asked now: that stands in the report after it. */
  async function askNext(): Promise<boolean> {
    await sending;
    next = undefined;
    if (unanswered !== undefined && !(await send())) return false;
    return send();
  }
}

/** The server will not take this report, however often it is told. */
class Refused extends Error {
  override readonly name = 'Refused';
}
