import type { Allowance, Ephemeral } from '@latchkey/domain/ports/ephemeral';
import { LIMITS } from '@latchkey/protocol/limits';
import { createPresence } from './presence.ts';

/** Keys that are remembered at most; beyond, those that have refilled longest ago are forgotten. */
const KEYS_MAX = 100_000;

/**
 * Allowances in this process's memory (GCRA: each key is one number, the time at which its allowance is full again).
 * `monotonic` is in milliseconds and never goes back.
 */
export function memoryEphemeral(monotonic: () => number, keysMax = KEYS_MAX): Ephemeral {
  const fullAt = new Map<string, number>();

  function makeRoom(now: number): void {
    for (const [key, at] of fullAt) if (at <= now) fullAt.delete(key);
    for (const key of fullAt.keys()) {
      if (fullAt.size < keysMax) return;
      fullAt.delete(key); // oldest use first
    }
  }

  /** When the allowance would be full again if one were taken now, and the seconds until one can be. */
  function after(key: string, { burst, perMinute }: Allowance, now: number) {
    const cost = 60_000 / perMinute;
    const full = Math.max(now, fullAt.get(key) ?? now) + cost;
    const wait = full - now - burst * cost;
    return { full, seconds: wait > 0 ? Math.max(1, Math.ceil(wait / 1000)) : 0 };
  }

  const presence = createPresence(monotonic, keysMax, LIMITS.verifiersPerRateMax);
  return {
    present: async (group, member, seconds) => presence.note(group, member, seconds * 1000),
    wait: async (key, allowance) => after(key, allowance, monotonic()).seconds,
    async take(key, allowance) {
      const now = monotonic();
      const { full, seconds } = after(key, allowance, now);
      if (seconds > 0) return seconds;
      if (fullAt.size >= keysMax && !fullAt.has(key)) makeRoom(now);
      fullAt.delete(key);
      fullAt.set(key, full);
      return 0;
    },
  };
}
