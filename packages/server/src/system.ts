import type { EpochMilliseconds } from '@latchkey/protocol/types';
import type { Parts } from './create-server.ts';
import { createEntropy } from './entropy.ts';
import { ARGON2_COST } from './prove/argon2-hasher.ts';

/** What a server takes from the process that it runs in: clocks, chance, timers, and the work of a password hash. */
export const systemParts = (): Pick<Parts, 'now' | 'monotonic' | 'entropy' | 'timers' | 'hashCost'> => ({
  now: () => Date.now() as EpochMilliseconds,
  monotonic: () => performance.now(),
  entropy: createEntropy(),
  timers: {
    after(milliseconds, action) {
      const timer = setTimeout(action, milliseconds);
      return () => clearTimeout(timer);
    },
    inBackground(milliseconds, action) {
      const timer = setTimeout(action, milliseconds).unref();
      return () => clearTimeout(timer);
    },
  },
  hashCost: ARGON2_COST,
});
