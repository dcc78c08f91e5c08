import type { MetadataValues } from '@latchkey/domain/accounts/metadata';
import type { Resource } from '@latchkey/domain/clients/resource';
import type { HookClaims } from '@latchkey/domain/tokens/added-claims';
import { hookProblem } from '@latchkey/domain/tokens/hook-claims';
import { LIMITS } from '@latchkey/protocol/limits';
import { fail, ok, type Result } from '@latchkey/protocol/result';
import type { TokenRequest } from '@latchkey/protocol/token-request';
import type { FetchRefusal } from '../guarded-fetch/guarded-fetch.ts';
import type { Log } from '../observe/log.ts';
import type { Metrics } from '../observe/metrics.ts';
import { readHookAnswer } from './answer.ts';
import { createBreaker } from './breaker.ts';

/** What a hook is told of a token that is about to be issued. There is no secret in it. */
export interface HookInput {
  readonly grant_type: 'login' | TokenRequest['grantType'];
  readonly client_id: string;
  readonly resource: string;
  readonly sub: string;
  readonly org_id: string | undefined;
  readonly scope: readonly string[];
  readonly roles: readonly string[];
  /** What is kept about the account; nothing for a client that acts for nobody. */
  readonly metadata: MetadataValues;
}

/** Why a hook said nothing that can be used. */
export type HookFault =
  | FetchRefusal
  | 'busy'
  | 'paused'
  | 'status'
  | 'threw'
  | 'malformed'
  /** It said what no hook may say. */
  | 'claim_refused';

/** Where a hook is: it answers with JSON text, or says why it does not. */
export type HookSource = (input: HookInput) => Promise<Result<string, HookFault>>;

/** Asks the hook of the deployment about a token. */
export interface ClaimHook {
  ask(input: HookInput, resource: Resource): Promise<Result<HookClaims, 'claim_hook_failed'>>;
}

/** Without an answer the token is refused, or issued without what the hook would have said. */
export type HookFallback = 'refuse' | 'without';

interface HookParts {
  readonly fallback: HookFallback;
  readonly log: Log;
  readonly metrics: Metrics;
  /** Milliseconds that never go back. */
  readonly monotonic: () => number;
}

/** Faults that tell of a hook that is down, and not of one token. */
const DOWN: readonly HookFault[] = ['timed_out', 'failed', 'address_refused', 'url_refused', 'redirected', 'status'];

const NOTHING: HookClaims = { add: {}, remove: [] };

/**
 * Asks a hook within limits: so many at a time, and none for a moment after it was down several times in a row. Log and
 * metrics learn of each fault; of what was said they learn the name of a claim at most.
 */
export function createClaimHook(source: HookSource, { fallback, log, metrics, monotonic }: HookParts): ClaimHook {
  const breaker = createBreaker(monotonic);
  let underWay = 0;

  async function answer(input: HookInput, resource: Resource): Promise<Result<HookClaims, Fault>> {
    if (underWay >= LIMITS.hookCallsMax) return fail({ reason: 'busy' });
    if (!breaker.mayTry()) return fail({ reason: 'paused' });
    underWay += 1;
    try {
      const said = await source(input);
      breaker.tried(said.ok || !DOWN.includes(said.error));
      if (!said.ok) return fail({ reason: said.error });
      const claims = readHookAnswer(said.value);
      if (claims === undefined) return fail({ reason: 'malformed' });
      const about = hookProblem(resource, claims);
      return about === undefined ? ok(claims) : fail({ reason: 'claim_refused', about });
    } finally {
      underWay -= 1;
    }
  }

  return {
    async ask(input, resource) {
      const began = monotonic();
      const answered = await answer(input, resource);
      metrics.observe('latchkey_claim_hook_seconds', (monotonic() - began) / 1000);
      if (answered.ok) {
        metrics.count('latchkey_claim_hook_total', { outcome: 'answered' });
        return answered;
      }
      metrics.count('latchkey_claim_hook_total', { outcome: answered.error.reason });
      const { client_id: client } = input;
      log.warn('the claim hook did not answer as it must', {
        ...answered.error,
        fallback,
        client,
        resource: resource.id,
      });
      return fallback === 'without' ? ok(NOTHING) : fail('claim_hook_failed');
    },
  };
}

interface Fault {
  readonly reason: HookFault;
  readonly about?: string;
}
