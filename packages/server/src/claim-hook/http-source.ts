import { createHmac } from 'node:crypto';
import { LIMITS } from '@latchkey/protocol/limits';
import { fail, ok } from '@latchkey/protocol/result';
import { type EpochMilliseconds, seconds } from '@latchkey/protocol/types';
import type { GuardedFetch } from '../guarded-fetch/guarded-fetch.ts';
import type { HookSource } from './claim-hook.ts';

/** The signature of a request: of its time and its body, so that neither can be changed nor sent again much later. */
export const hookSignature = (secret: string, at: number, body: string): string =>
  `t=${at},v1=${createHmac('sha256', secret).update(`${at}.${body}`).digest('hex')}`;

/** A hook behind a URL: one POST, signed, answered with 200 and JSON. */
export function createHttpSource(
  url: string,
  {
    secret,
    fetch,
    now,
  }: { readonly secret: string; readonly fetch: GuardedFetch; readonly now: () => EpochMilliseconds },
): HookSource {
  return async (input) => {
    const body = JSON.stringify(input);
    const headers = {
      'content-type': 'application/json',
      accept: 'application/json',
      'latchkey-signature': hookSignature(secret, seconds(now()), body),
    };
    const answer = await fetch(url, { method: 'POST', headers, body });
    if (!answer.ok) return answer;
    if (answer.value.status !== 200) return fail('status');
    if (!/^application\/json\s*(?:;|$)/i.test(answer.value.contentType)) return fail('malformed');
    return ok(Buffer.from(answer.value.body).toString('utf8'));
  };
}

/** The limits of such a call. */
export const hookLimits = (milliseconds: number) => ({ milliseconds, bytesMax: LIMITS.hookAnswerBytesMax });
