import type { ErrorId } from '@latchkey/protocol/errors';
import { LIMITS } from '@latchkey/protocol/limits';
import { decodeUnverified } from '@latchkey/tokens/formats/access-token-jwt';
import type { Access } from './access.ts';
import { withDeadline } from './deadline.ts';
import type { Config } from './options.ts';

/** Remembers refusals under ids, and tells them to the server in batches, for `latchkey token explain`. */
export interface RefusalReports {
  /** Gives a refusal its id. */
  remember(error: ErrorId, where: string, about: Readonly<Record<string, string>>): string;
  close(): void;
}

interface Report {
  readonly id: string;
  readonly error: ErrorId;
  readonly at: number;
  readonly where: string;
  readonly about: Readonly<Record<string, string>>;
}

/** Refusals of tokens that were good once: their signature held, and what they say of themselves is true. */
const WAS_GOOD: ReadonlySet<ErrorId> = new Set(['token_revoked', 'token_expired']);

/**
 * What a refusal was about, by ids, so that the event behind it can be found. Of a token that never was good nothing is
 * told: whoever made it up would tell the server a tale.
 */
export function aboutOf(error: ErrorId, access: Access | undefined, token: string): Readonly<Record<string, string>> {
  if (error === 'token_key_revoked') return idsOf({ key: decodeUnverified(token)?.header.kid });
  const claims = access?.claims ?? (WAS_GOOD.has(error) ? decodeUnverified(token)?.claims : undefined);
  if (claims === undefined) return {};
  const { jti, fid, sid, sub, client_id } = claims;
  return idsOf({ token: jti, family: fid, session: sid, subject: sub, client: client_id });
}

const idsOf = (about: Readonly<Record<string, unknown>>): Readonly<Record<string, string>> =>
  Object.fromEntries(
    Object.entries(about).filter(
      (entry): entry is [string, string] =>
        typeof entry[1] === 'string' && entry[1] !== '' && entry[1].length <= LIMITS.nameMax,
    ),
  );

const EVERY_MILLISECONDS = 1_000;
const TIMEOUT = 5_000;

type Part = Pick<Config, 'issuer' | 'basic' | 'fetch' | 'now' | 'name' | 'random' | 'timers' | 'onEvent'>;

export function createRefusalReports(config: Part): RefusalReports {
  let last = Math.floor(config.random() * 2 ** 32);
  let waiting: Report[] = [];
  let stop: (() => void) | undefined;

  function schedule(): void {
    if (config.basic === undefined || stop !== undefined) return;
    stop = config.timers.inBackground(EVERY_MILLISECONDS, () => void send());
  }

  async function send(): Promise<void> {
    const refusals = waiting.splice(0, LIMITS.refusalsPerReportMax);
    try {
      await withDeadline(config.timers, TIMEOUT, (signal) => post(refusals, signal));
    } catch (error) {
      config.onEvent({ event: 'reports_lost', reason: error instanceof Error ? error.message : String(error) });
    }
    stop = undefined;
    if (waiting.length > 0) schedule();
  }

  async function post(refusals: readonly Report[], signal: AbortSignal): Promise<void> {
    const response = await config.fetch(`${config.issuer}/reports`, {
      method: 'POST',
      headers: { authorization: config.basic ?? '', 'content-type': 'application/json' },
      body: JSON.stringify({ refusals }),
      redirect: 'error',
      signal,
    });
    await response.body?.cancel();
    if (!response.ok) throw new Error(`reports were answered ${response.status}`);
  }

  return {
    remember(error, where, about) {
      last += 1;
      const id = `${config.name}-${last.toString(36)}`;
      if (config.basic !== undefined) {
        if (waiting.length >= LIMITS.refusalsKept) waiting = waiting.slice(LIMITS.refusalsPerReportMax);
        waiting.push({ id, error, at: Math.floor(config.now()), where, about });
        schedule();
      }
      return id;
    },
    close() {
      stop?.();
      waiting = [];
    },
  };
}
