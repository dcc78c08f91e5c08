import type { ErrorId } from '@latchkey/protocol/errors';
import { fail, ok, type Result } from '@latchkey/protocol/result';
import { type Access, staleAccess } from './access.ts';
import type { Config } from './options.ts';
import type { RevocationSet } from './revocation-set.ts';
import type { Staleness } from './staleness.ts';

/** Whether what is known of revocations is young enough to decide by, and what holds when it is not. */
export interface Freshness {
  /** For how long the knowledge of revocations has been too old, in milliseconds; 0 or below while it is current. */
  staleFor(): number;
  /** What holds for a good credential by what is known of revocations; undefined when the server must be asked. */
  decide(access: Access): Result<Access, ErrorId> | undefined;
}

/** What the freshness of knowledge depends on. */
export interface Sources {
  readonly staleness: Staleness;
  readonly revocations: RevocationSet;
  /** Since when there may have been a revocation that was not understood. */
  readonly unknown: { readonly since: number | undefined };
}

type Part = Pick<Config, 'maxStalenessSeconds' | 'maxAcceptSeconds' | 'monotonic' | 'onStale' | 'onEvent'>;

export function createFreshness(config: Part, { staleness, revocations, unknown }: Sources): Freshness {
  const { monotonic, onStale } = config;
  const bound = config.maxStalenessSeconds * 1000;

  function staleFor(): number {
    if (revocations.isFull) return Number.POSITIVE_INFINITY;
    const since = staleness.milliseconds() - bound;
    return unknown.since === undefined ? since : Math.max(since, monotonic() - unknown.since, 1);
  }

  return {
    staleFor,
    decide(access) {
      const since = staleFor();
      if (since <= 0) return ok(access);
      if (onStale === 'introspect') return undefined;
      if (onStale === 'reject' || !staleness.hasSnapshot || since > config.maxAcceptSeconds * 1000)
        return fail('verifier_stale');
      config.onEvent({ event: 'stale_accepted' });
      return ok(staleAccess(access));
    },
  };
}
