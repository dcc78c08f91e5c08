import { allow } from '@latchkey/domain/decision';
import type { Server } from '../server.ts';
import { addressKey } from './address.ts';

/** Wrong guesses at whatever names, from one address; one more waits. */
const FROM_ONE = { burst: 100, perMinute: 6 } as const;
/** From all addresses together: more is told, and refused nobody. */
const FROM_ALL = { burst: 1_000, perMinute: 100 } as const;
/** The same is told once in ten minutes. */
const TOLD = { burst: 1, perMinute: 0.1 } as const;

/**
 * The seconds that whoever guessed wrong so often has to wait before the next guess, at whatever name. One password that
 * is tried at many names stays below the limits of each of them; here it is seen.
 *
 * @spec ASVS 6.3.1, 6.3.5 (PWD-18)
 */
export async function waitAfterGuesses(address: string | undefined, server: Server): Promise<number> {
  const from = addressKey(address);
  const wait = await server.ephemeral.wait(`guesses:${from}`, FROM_ONE);
  if (wait > 0) await tell(from, server);
  return wait;
}

/** Notes a wrong guess. */
export async function noteWrongGuess(address: string | undefined, server: Server): Promise<void> {
  await server.ephemeral.take(`guesses:${addressKey(address)}`, FROM_ONE);
  if ((await server.ephemeral.take('guesses', FROM_ALL)) > 0) await tell('everywhere', server);
}

async function tell(from: string, server: Server): Promise<void> {
  if ((await server.ephemeral.take(`told:guesses:${from}`, TOLD)) > 0) return;
  await server.commit(
    () => Promise.resolve(),
    (_, { now }) =>
      allow(undefined, [
        {
          kind: 'alert.raise',
          entry: { at: now, event: 'login.guesses_sprayed', actor: 'server', subject: {}, detail: { from } },
        },
      ]),
  );
}
