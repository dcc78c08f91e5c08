import { decideUseOnce, loadUseOnce } from '@latchkey/domain/tokens/use-once';
import { DURATIONS, LIMITS } from '@latchkey/protocol/limits';
import { parsePosition } from '@latchkey/protocol/position';
import { fail, ok } from '@latchkey/protocol/result';
import { type EpochSeconds, seconds } from '@latchkey/protocol/types';
import { z } from 'zod';
import { readJson } from '../http/body.ts';
import { json } from '../http/headers.ts';
import { proveResourceServer } from '../prove/resource-server.ts';
import { secretHash } from '../prove/secret.ts';
import type { Answer, Endpoint } from '../server.ts';

/** The token that a verifier has found good and wants to use. */
const USE = z.object({
  jti: z.string().min(1).max(LIMITS.nameMax),
  exp: z.number().int().positive(),
  pos: z.string().max(LIMITS.nameMax),
});

/** Uses of one resource: they bound the rows that are kept of it, since no token lives for longer than an hour. */
export const USES_PER_RESOURCE = { burst: 1_000, perMinute: 60_000 } as const;

/**
 * Accepts a token once for all verifiers of a resource. The token itself does not come here: whether it is good is known
 * to the verifier, whether it was used is known here.
 */
export const once: Endpoint = {
  method: 'POST',
  path: '/once',
  summary: 'Tells a verifier whether this is the first use of a token that may be used once, and remembers the use.',
  credentials: ['resource_server'],
  wording: 'oauth',
  cors: 'none',
  bodyMax: LIMITS.bodyBytesMax,
  async answer(call, server): Promise<Answer> {
    const caller = await proveResourceServer(call, server);
    if (!caller.ok) return caller;
    if (caller.value === undefined) return fail({ error: 'once_not_allowed' });
    const body = await readJson(call.request, once.bodyMax);
    if (!body.ok) return body;
    const use = USE.safeParse(body.value);
    const pos = use.success ? parsePosition(use.data.pos) : undefined;
    if (!use.success || pos === undefined)
      return fail({ error: 'field_invalid', detail: 'jti, exp and pos are those of the token.' });
    const exp = use.data.exp as EpochSeconds;
    if (exp > seconds(server.now()) + DURATIONS.eventRetention)
      return fail({ error: 'field_invalid', detail: 'exp lies further ahead than that of any token.' });
    const resourceId = caller.value.resource.id;
    const wait = await server.ephemeral.take(`once:${resourceId}`, USES_PER_RESOURCE);
    if (wait > 0) return fail({ error: 'rate_limited', headers: { 'retry-after': String(wait) } });

    const command = { resourceId, hash: secretHash(use.data.jti), exp, pos };
    const { outcome } = await server.commit(
      (read) => loadUseOnce(read, command),
      (isUsed, moment) => decideUseOnce(isUsed, command, moment),
    );

    return outcome.ok ? ok(json({ use: outcome.value })) : fail({ error: outcome.error });
  },
};
