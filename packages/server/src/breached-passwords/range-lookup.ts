import { LIMITS } from '@latchkey/protocol/limits';
import { fail, ok, type Result } from '@latchkey/protocol/result';
import type { GuardedFetch } from '../guarded-fetch/guarded-fetch.ts';
import type { BreachSilence, BreachSource } from './breached-passwords.ts';

/** How many digits of the digest are told to the service: a thousand passwords and more begin with the same. */
const TOLD_DIGITS = 5;
const LINE = /^([0-9A-F]{35}):([0-9]{1,15})$/i;

/**
 * Asks a service that answers like the range API of Have I Been Pwned. It learns five digits of the password's digest,
 * and answers with all digests that begin so; padding hides from the network how many they are.
 *
 * @spec ASVS 6.2.12 (PWD-06)
 */
export function createRangeLookup(base: string, fetch: GuardedFetch): BreachSource {
  let underWay = 0;
  return {
    name: 'lookup',
    async has(digest) {
      if (underWay >= LIMITS.breachLookupsMax) return fail('busy');
      underWay += 1;
      try {
        return await ask(base, digest, fetch);
      } finally {
        underWay -= 1;
      }
    },
  };
}

async function ask(base: string, digest: Uint8Array, fetch: GuardedFetch): ReturnType<BreachSource['has']> {
  const digits = Buffer.from(digest).toString('hex').toUpperCase();
  const headers = { 'add-padding': 'true' };
  const answer = await fetch(base + digits.slice(0, TOLD_DIGITS), { method: 'GET', headers });
  if (!answer.ok) return answer;
  if (answer.value.status !== 200) return fail('status');
  return isListed(digits.slice(TOLD_DIGITS), Buffer.from(answer.value.body).toString('latin1'));
}

/** A line with the count 0 is padding. What is not all such lines is not the answer of such a service. */
function isListed(rest: string, text: string): Result<boolean, BreachSilence> {
  let found = false;
  for (const line of text.trimEnd().split(/\r?\n/)) {
    const [, digits, count] = LINE.exec(line) ?? [];
    if (digits === undefined) return fail('malformed');
    if (digits.toUpperCase() === rest && Number(count) > 0) found = true;
  }
  return ok(found);
}
