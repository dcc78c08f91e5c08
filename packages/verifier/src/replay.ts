import type { AccessTokenClaims } from '@latchkey/protocol/claims';
import { DURATIONS, LIMITS } from '@latchkey/protocol/limits';
import { parsePosition } from '@latchkey/protocol/position';
import { withDeadline } from './deadline.ts';
import { strictAnswer } from './json-answer.ts';
import type { Config } from './options.ts';
import type { ReplayPort } from './replay-port.ts';

const TIMEOUT = 3_000;
/** Questions under way at a time; one more is not asked. */
const UNDER_WAY_MAX = 200;
const ANSWER_BYTES_MAX = 1_024;

type Part = Pick<
  Config,
  'replay' | 'issuer' | 'audience' | 'basic' | 'fetch' | 'timers' | 'now' | 'leewaySeconds' | 'onEvent'
>;

/** The place where uses are remembered; undefined where none was chosen. */
export function replayPortOf(config: Part): ReplayPort | undefined {
  if (config.replay === 'server') return createServerReplay(config);
  return config.replay === 'memory' ? createMemoryReplay(config) : config.replay;
}

/** Asks the server, which remembers for all verifiers of a resource. */
function createServerReplay({ issuer, basic, fetch, timers }: Part): ReplayPort {
  let underWay = 0;

  async function post({ jti, exp, pos }: AccessTokenClaims, signal: AbortSignal): Promise<'first' | 'seen'> {
    const response = await fetch(`${issuer}/once`, {
      method: 'POST',
      headers: { authorization: basic ?? '', accept: 'application/json', 'content-type': 'application/json' },
      body: JSON.stringify({ jti, exp, pos }),
      redirect: 'error',
      signal,
    });
    if (!response.ok) {
      await response.body?.cancel();
      throw new Error(`the server answered ${response.status}`);
    }
    const { use } = await strictAnswer(response, ANSWER_BYTES_MAX);
    if (use !== 'first' && use !== 'seen') throw new Error('the server did not say whether it is the first use');
    return use;
  }

  return {
    async consume(_key, _until, claims) {
      // without its place in the log nobody can tell whether a use of it was lost
      if (claims.pos === undefined || parsePosition(claims.pos) === undefined) return 'seen';
      if (underWay >= UNDER_WAY_MAX) throw new Error('too many questions are under way');
      underWay += 1;
      try {
        return await withDeadline(timers, TIMEOUT, (signal) => post(claims, signal));
      } finally {
        underWay -= 1;
      }
    },
  };
}

/**
 * Remembers in this process, and in no other. What was used before it began is not known: a token that is older counts
 * as used. By how much the clock of the issuer is ahead of ours is not known either, but for the leeway.
 */
function createMemoryReplay({ now, leewaySeconds }: Part): ReplayPort {
  const began = Math.floor(now() / 1000) + leewaySeconds;
  const used = new Map<string, number>();

  function forgetExpired(seconds: number): void {
    for (const [key, until] of used) if (until <= seconds) used.delete(key);
  }

  return {
    async consume(key, untilSeconds, { iat }) {
      if (iat <= began || used.has(key)) return 'seen';
      if (used.size >= LIMITS.usesRememberedMax) forgetExpired(now() / 1000);
      if (used.size >= LIMITS.usesRememberedMax) throw new Error('no room for one more token that was used');
      used.set(key, untilSeconds);
      return 'first';
    },
  };
}

/** A verifier's clock and that of another may differ by so much. */
const SKEW_SECONDS = DURATIONS.eventRetention - DURATIONS.accessTokenMax - DURATIONS.leewayMax;

/** Until when a token could be accepted by anybody. */
export const untilOf = ({ exp }: AccessTokenClaims): number => exp + DURATIONS.leewayMax + SKEW_SECONDS;
