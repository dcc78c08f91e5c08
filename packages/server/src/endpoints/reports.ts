import { ERRORS, type ErrorId } from '@latchkey/protocol/errors';
import { LIMITS } from '@latchkey/protocol/limits';
import { fail, ok } from '@latchkey/protocol/result';
import type { EpochMilliseconds } from '@latchkey/protocol/types';
import { z } from 'zod';
import { readJson } from '../http/body.ts';
import { empty } from '../http/headers.ts';
import type { RememberedRefusal } from '../observe/refusals.ts';
import { proveResourceServer } from '../prove/resource-server.ts';
import type { Answer, Endpoint } from '../server.ts';

const text = (max: number) => z.string().min(1).max(max);
const isErrorId = (id: string): id is ErrorId => Object.hasOwn(ERRORS, id);

/** What a verifier tells of the requests that it refused, so that their error ids can be explained here. */
const REPORT = z.object({
  refusals: z
    .array(
      z.object({
        id: text(80).regex(/^[A-Za-z0-9._-]+-[0-9a-z]+$/),
        error: z.string().refine(isErrorId),
        at: z.number().int().positive(),
        where: text(LIMITS.nameMax),
        about: z.record(text(32), text(LIMITS.nameMax)),
      }),
    )
    .max(LIMITS.refusalsPerReportMax),
});

/** Takes reports of verifiers. */
export const reports: Endpoint = {
  method: 'POST',
  path: '/reports',
  summary: 'Takes from a verifier the requests that it refused, for `latchkey token explain`.',
  credentials: ['resource_server'],
  wording: 'oauth',
  cors: 'none',
  bodyMax: LIMITS.adminBodyBytesMax,
  async answer(call, server): Promise<Answer> {
    const caller = await proveResourceServer(call, server);
    if (!caller.ok) return caller;
    if (caller.value === undefined) return fail({ error: 'feed_not_allowed' });
    const body = await readJson(call.request, reports.bodyMax);
    if (!body.ok) return body;
    const report = REPORT.safeParse(body.value);
    if (!report.success) return fail({ error: 'field_invalid', detail: 'refusals is not as it should be.' });
    const { resource } = caller.value;
    server.refusals.report(
      report.data.refusals.map(
        (refusal): RememberedRefusal => ({
          ...refusal,
          error: refusal.error as ErrorId,
          at: refusal.at as EpochMilliseconds,
          about: { ...refusal.about, resource: resource.id },
        }),
      ),
    );
    return ok(empty());
  },
};
