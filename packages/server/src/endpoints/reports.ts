import { decideReport, loadReport } from '@latchkey/domain/api-keys/report';
import type { Resource } from '@latchkey/domain/clients/resource';
import type { ReportAnswer, UsageCount } from '@latchkey/protocol/api-key-terms';
import { ERRORS, type ErrorId } from '@latchkey/protocol/errors';
import { parseId } from '@latchkey/protocol/ids';
import { LIMITS } from '@latchkey/protocol/limits';
import { fail, ok } from '@latchkey/protocol/result';
import type { EpochMilliseconds, EpochSeconds } from '@latchkey/protocol/types';
import { z } from 'zod';
import { rateShare } from '../api-keys/rate-share.ts';
import { VERIFIER_NAME } from '../api-keys/verifier-name.ts';
import { readJson } from '../http/body.ts';
import { empty, json } from '../http/headers.ts';
import type { RememberedRefusal } from '../observe/refusals.ts';
import { proveResourceServer } from '../prove/resource-server.ts';
import type { Answer, Endpoint, Server } from '../server.ts';

const text = (max: number) => z.string().min(1).max(max);
const isErrorId = (id: string): id is ErrorId => Object.hasOwn(ERRORS, id);
const count = z.number().int().min(0);
const listOf = <S extends z.ZodType>(item: S) => z.array(item).max(LIMITS.keysPerReportMax).default([]);
/** The name of a key or lease: another is looked up, and not found. */
const name = text(LIMITS.verifierNameMax);

/**
 * What a verifier tells: the requests that it refused, so that their error ids can be explained here; and, with its name
 * and a number, how API keys were used, what it gives back of them, and what it wants.
 */
const REPORT = z.object({
  refusals: z
    .array(
      z.object({
        id: text(80).regex(/^[A-Za-z0-9._-]+-[0-9a-z]+$/),
        error: text(64),
        at: z.number().int().positive(),
        where: text(LIMITS.nameMax),
        about: z.record(text(32), text(LIMITS.nameMax)),
      }),
    )
    .max(LIMITS.refusalsPerReportMax),
  instance: name.regex(VERIFIER_NAME).optional(),
  number: z.number().int().positive().optional(),
  usage: listOf(z.object({ api_key: name, hour: count, allowed: count, refused: count })),
  closed: listOf(z.object({ id: name, used: count })),
  renew: listOf(name),
  active: listOf(name),
});
type Report = z.infer<typeof REPORT>;

/** Takes reports of verifiers. */
export const reports: Endpoint = {
  method: 'POST',
  path: '/reports',
  summary: 'Takes from a verifier what it refused and how API keys were used, and lends it uses of them.',
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
    if (!report.success) return fail({ error: 'field_invalid', detail: 'The report is not as it should be.' });
    const { resource } = caller.value;
    remember(report.data, resource, server);
    const { instance, number } = report.data;
    if (instance === undefined || number === undefined) return ok(empty());
    return answerReport({ ...report.data, instance, number }, resource, server);
  },
};

function remember({ refusals }: Report, resource: Resource, server: Server): void {
  // a verifier of a later release refuses for reasons that are not known here: what else it tells counts all the same
  server.refusals.report(
    refusals.flatMap(({ error, at, about, ...refusal }): readonly RememberedRefusal[] =>
      isErrorId(error)
        ? [{ ...refusal, error, at: at as EpochMilliseconds, about: { ...about, resource: resource.id } }]
        : [],
    ),
  );
}

type Numbered = Report & { readonly instance: string; readonly number: number };

async function answerReport(report: Numbered, resource: Resource, server: Server): Promise<Answer> {
  const command = {
    resource,
    instance: report.instance,
    number: report.number,
    usage: report.usage.map((one): UsageCount => ({ ...one, hour: one.hour as EpochSeconds })),
    closed: report.closed,
    renew: report.renew,
    rates: await ratesOf(report, resource, server),
    leaseIds: Buffer.from(server.entropy(10)).toString('base64url'),
  };
  const { outcome } = await server.commit(
    (read, moment) => loadReport(read, command, moment),
    (facts, moment) => decideReport(facts, command, moment),
  );
  const about = { resource: resource.id };
  if (!outcome.ok) return fail({ error: outcome.error, about });
  const { answer, ignored } = outcome.value;
  if (ignored.length > 0)
    server.log.warn('a verifier told of what is not its own', {
      ...about,
      verifier: report.instance,
      count: ignored.length,
    });
  return ok(json(answer));
}

/** Among how many verifiers the rates of the keys in use there are shared; only keys of the resource have a share. */
async function ratesOf(
  { active, instance }: Numbered,
  resource: Resource,
  server: Server,
): Promise<ReportAnswer['rates']> {
  const rates: ReportAnswer['rates'][number][] = [];
  for (const api_key of new Set(active)) {
    const id = parseId('key', api_key);
    const key = id === undefined ? undefined : await server.store.read.apiKey(id);
    const rate = key?.resource === resource.identifier ? await rateShare(key, instance, server) : undefined;
    if (rate !== undefined) rates.push({ api_key, verifiers: rate.verifiers });
  }
  return rates;
}
