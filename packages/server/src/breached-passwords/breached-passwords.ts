import { createHash } from 'node:crypto';
import type { Result } from '@latchkey/protocol/result';
import type { FetchRefusal } from '../guarded-fetch/guarded-fetch.ts';
import type { Log } from '../observe/log.ts';
import type { Metrics } from '../observe/metrics.ts';

/** Why a source does not say whether it has a password. */
export type BreachSilence = 'unreadable' | 'busy' | 'status' | 'malformed' | FetchRefusal;

/** A collection of breached passwords, by their SHA-1 digests. */
export interface BreachSource {
  readonly name: 'file' | 'lookup';
  has(digest: Uint8Array): Promise<Result<boolean, BreachSilence>>;
}

/** What is known of a password: `unknown` where a source was silent and no other one has it. */
export type BreachVerdict = 'breached' | 'clear' | 'unknown';

/** Tells whether a password is known from a breach. */
export interface BreachedPasswords {
  verdictOn(password: string): Promise<BreachVerdict>;
}

/**
 * Asks one source after another. SHA-1 is what such collections are published under; nothing is protected by it here.
 * Neither log nor metrics learn anything of the password.
 *
 * @spec ASVS 6.2.12 (PWD-06)
 */
export function createBreachedPasswords(
  sources: readonly BreachSource[],
  { log, metrics }: { readonly log: Log; readonly metrics: Metrics },
): BreachedPasswords {
  return {
    async verdictOn(password) {
      const digest = createHash('sha1').update(password).digest();
      let verdict: BreachVerdict = 'clear';
      for (const source of sources) {
        const found = await source.has(digest);
        const outcome = found.ok ? (found.value ? 'breached' : 'clear') : 'unknown';
        metrics.count('latchkey_breach_checks_total', { source: source.name, outcome });
        if (outcome === 'breached') return 'breached';
        if (found.ok) continue;
        log.warn('breached passwords could not be asked', { source: source.name, reason: found.error });
        verdict = 'unknown';
      }
      return verdict;
    },
  };
}
