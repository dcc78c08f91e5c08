import { LIMITS } from '@latchkey/protocol/limits';
import { fail, ok } from '@latchkey/protocol/result';
import { z } from 'zod';
import { explainErrorId } from '../../explain/error-id.ts';
import { explainCredential } from '../../explain/explain.ts';
import { type AdminEndpoint, adminEndpoint } from './admin-endpoint.ts';
import { time } from './views.ts';

/** Questions of one administrator: enough for a person, too few to try credentials out. */
const QUESTIONS = { burst: 30, perMinute: 30 } as const;

const ASK = z.union([
  z.strictObject({
    credential: z
      .string()
      .min(1)
      .max(2 * LIMITS.tokenMax)
      .describe('An access or refresh token. It is not logged, not stored and not used up.'),
  }),
  z.strictObject({ error_id: z.string().min(1).max(LIMITS.nameMax).describe('The id that a refusal told.') }),
]);

const EXPLANATION = z.object({
  kind: z.string(),
  checks: z.array(
    z.object({ check: z.string(), result: z.enum(['passed', 'failed', 'not_reached']), text: z.string() }),
  ),
  event: z.object({ what: z.string(), when: time, by: z.string(), why: z.string() }).optional(),
  advice: z.string(),
});

const explain = adminEndpoint({
  method: 'POST',
  path: '/explain',
  summary: 'Says why a credential or a request was refused: every check in order, what happened, and what to do.',
  scope: 'explain',
  body: ASK,
  success: { status: 200, schema: EXPLANATION },
  async answer({ body, administrator, server }) {
    const wait = await server.ephemeral.take(`explain:${administrator.id}`, QUESTIONS);
    if (wait > 0) return fail({ error: 'rate_limited', headers: { 'retry-after': String(wait) } });
    const explanation =
      'error_id' in body
        ? await explainErrorId(body.error_id, server)
        : await explainCredential(body.credential, server);
    return ok({ ...explanation, checks: [...explanation.checks] });
  },
});

export const EXPLAIN_ROUTES: readonly AdminEndpoint[] = [explain];
