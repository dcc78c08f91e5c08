import { randomBytes } from 'node:crypto';
import { fail, ok, type Result } from '@latchkey/protocol/result';
import { hash, verify } from '@node-rs/argon2';
import type { PasswordHasher } from './password-hasher.ts';

/** `Algorithm.Argon2id`, which its package declares in a way that single-file compilers cannot read. */
const ARGON2ID = 2;

/** Cost of a hash. @spec NUM-12, RFC 9106 §4 */
export interface Argon2Cost {
  readonly memoryCost: number;
  readonly timeCost: number;
  readonly parallelism: number;
}

export const ARGON2_COST: Argon2Cost = { memoryCost: 47_104, timeCost: 1, parallelism: 1 };

export interface HasherOptions {
  readonly cost: Argon2Cost;
  /** Hashes at a time; each takes a core and tens of megabytes. */
  readonly concurrency: number;
  /** Hashes that wait; one more is refused. */
  readonly queueMax: number;
  readonly onQueue: (waiting: number) => void;
}

/** How a PHC string is checked, by its algorithm's name. Other formats join here. */
const CHECKS: Readonly<Record<string, (password: string, phc: string) => Promise<boolean>>> = {
  argon2id: (password, phc) => verify(phc, password),
};

const algorithmOf = (phc: string): string => phc.split('$')[1] ?? '';

export function createArgon2Hasher({ cost, concurrency, queueMax, onQueue }: HasherOptions): PasswordHasher {
  const waiting: (() => void)[] = [];
  let running = 0;

  async function inTurn<T>(work: () => Promise<T>): Promise<Result<T, 'overloaded'>> {
    if (running >= concurrency) {
      if (waiting.length >= queueMax) return fail('overloaded');
      await new Promise<void>((resolve) => {
        waiting.push(resolve);
        onQueue(waiting.length);
      });
    } else running += 1;
    try {
      return ok(await work());
    } finally {
      const next = waiting.shift();
      onQueue(waiting.length);
      if (next === undefined) running -= 1;
      else next(); // the place is handed on
    }
  }

  const hashNow = (password: string): Promise<string> =>
    hash(password, { ...cost, algorithm: ARGON2ID, outputLen: 32, salt: randomBytes(16) });
  let decoy: Promise<string> | undefined;

  return {
    hash: (password) => inTurn(() => hashNow(password)),
    verify: (password, phc) =>
      inTurn(async () => {
        decoy ??= hashNow(randomBytes(24).toString('base64url'));
        const checked = phc ?? (await decoy);
        const check = CHECKS[algorithmOf(checked)];
        if (check === undefined) throw new Error(`no check for password hashes of ${algorithmOf(checked)}`);
        return (await check(password, checked)) && phc !== undefined;
      }),
    isOutdated: (phc) => !phc.includes(`$m=${cost.memoryCost},t=${cost.timeCost},p=${cost.parallelism}$`),
  };
}
