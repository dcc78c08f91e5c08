import type { Timers } from '@latchkey/protocol/timers';
import type { EpochMilliseconds } from '@latchkey/protocol/types';
import { createGuardedFetch, GUARD } from '../guarded-fetch/guarded-fetch.ts';
import type { Log } from '../observe/log.ts';
import type { Metrics } from '../observe/metrics.ts';
import type { Settings } from '../settings.ts';
import { type ClaimHook, createClaimHook } from './claim-hook.ts';
import { createHttpSource, hookLimits } from './http-source.ts';
import { loadModuleSource } from './module-source.ts';

/** What a hook needs of the process that it runs in. */
interface HookEnvironment {
  readonly claimHookSecret: string | undefined;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly now: () => EpochMilliseconds;
  readonly monotonic: () => number;
  readonly timers: Timers;
}

/** Whether a hook is behind a URL; else it is a module on this machine. */
export const isHookUrl = (hook: string): boolean => /^https?:/i.test(hook);

/**
 * Opens the hook that the settings name, if they name one.
 *
 * @throws FileUnusable for a module that cannot be loaded
 */
export async function openClaimHook(
  { claimHook, claimHookTimeoutMs, claimHookFallback, fetchAllow }: Settings,
  { claimHookSecret, log, metrics, now, monotonic, timers }: HookEnvironment,
): Promise<ClaimHook | undefined> {
  if (claimHook === undefined) return undefined;
  const parts = { fallback: claimHookFallback, log, metrics, monotonic };
  if (!isHookUrl(claimHook))
    return createClaimHook(await loadModuleSource(claimHook, { milliseconds: claimHookTimeoutMs, timers }), parts);
  if (claimHookSecret === undefined) throw new Error('a claim hook behind a URL without a secret');
  const fetch = createGuardedFetch({ ...GUARD, ...hookLimits(claimHookTimeoutMs), allow: fetchAllow });
  return createClaimHook(createHttpSource(claimHook, { secret: claimHookSecret, fetch, now }), parts);
}
