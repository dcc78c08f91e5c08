import { hash } from 'node:crypto';
import { decideEndLeakedApiKey } from '@latchkey/domain/api-keys/end-api-key';
import { loadOwnedApiKey } from '@latchkey/domain/api-keys/rotate-api-key';
import { LIMITS } from '@latchkey/protocol/limits';
import { fail, ok } from '@latchkey/protocol/result';
import { z } from 'zod';
import { readJsonValue } from '../http/body.ts';
import { json } from '../http/headers.ts';
import { proveApiKey } from '../prove/api-key.ts';
import type { Answer, Endpoint, Server } from '../server.ts';
import { addressKey } from '../throttle/address.ts';

/** Reports from one address. */
const REPORTS = { burst: 30, perMinute: 10 } as const;

const FOUND = z.object({ token: z.string() });
/** What scanners of published code send, with where they found it; or one token alone. */
const REPORT = z.union([z.array(FOUND).min(1).max(LIMITS.leakedKeysPerReportMax), FOUND.transform((one) => [one])]);

/** Refusals of keys that were ours all the same: their secret fits, and they are over already. */
const OVER: readonly string[] = ['api_key_ended', 'api_key_expired', 'api_key_owner_ended'];

/**
 * Takes reports of API keys that were found where they should not be. Whoever holds one could use it, so nobody has to
 * say who they are to end it. The answer names each token by its hash, since a token in an answer would be in one more
 * place.
 */
export const leakedApiKeys: Endpoint = {
  method: 'POST',
  path: '/api-keys/leaked',
  summary: 'Ends API keys that were found in public; in the form in which scanners of published code report them.',
  credentials: ['none'],
  wording: 'problem',
  cors: 'none',
  bodyMax: LIMITS.bodyBytesMax,
  async answer(call, server): Promise<Answer> {
    const wait = await server.ephemeral.take(`leaked:${addressKey(call.address)}`, REPORTS);
    if (wait > 0) return fail({ error: 'rate_limited', headers: { 'retry-after': String(wait) } });
    const body = await readJsonValue(call.request, leakedApiKeys.bodyMax);
    if (!body.ok) return body;
    const report = REPORT.safeParse(body.value);
    if (!report.success)
      return fail({ error: 'field_invalid', detail: 'Send { "token": ... }, or an array of at most 100 of them.' });
    const labels: object[] = [];
    for (const { token } of report.data)
      labels.push({
        token_hash: hash('sha256', token, 'base64'),
        token_type: 'latchkey_api_key',
        label: (await endLeaked(token, server)) ? 'true_positive' : 'false_positive',
      });
    return ok(json(labels));
  },
};

/** Ends a key, and says whether it was one. */
async function endLeaked(text: string, server: Server): Promise<boolean> {
  const { read } = server.store;
  const proved = await proveApiKey(text, read, await read.moment());
  if (!proved.ok) return OVER.includes(proved.error.error);
  const { id } = proved.value.key;
  const language = server.mail === undefined ? undefined : 'en';
  await server.commit(
    (reader, moment) => loadOwnedApiKey(reader, { id }, moment),
    (facts, moment) => decideEndLeakedApiKey(facts, { language }, moment),
  );
  return true;
}
