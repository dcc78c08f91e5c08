import { DAY, dayOf, HOUR, hourOf, type UsageRange, usageSeries } from '@latchkey/domain/api-keys/usage';
import { parseId } from '@latchkey/protocol/ids';
import { DURATIONS } from '@latchkey/protocol/limits';
import { fail, ok, type Result } from '@latchkey/protocol/result';
import { type EpochMilliseconds, type EpochSeconds, milliseconds, seconds } from '@latchkey/protocol/types';
import { z } from 'zod';
import type { Refusal } from '../../server.ts';
import { type AdminEndpoint, adminEndpoint } from './admin-endpoint.ts';
import { time, timeOf } from './views.ts';

const KEPT = { hour: DURATIONS.usageHours, day: DURATIONS.usageDays } as const;

const SPAN = z.enum(['hour', 'day']);
const RANGE = z.strictObject({
  from: time.optional().describe('Where to begin; the hour or day that this is in counts as a whole.'),
  to: time.optional().describe('Where to end; the hour or day that this is in counts as a whole. By default now.'),
  last: z.coerce
    .number()
    .int()
    .min(1)
    .max(KEPT.day / DAY)
    .optional()
    .describe('So many hours or days up to `to`, in the place of `from`.'),
  span: SPAN.default('day').describe('Hours are kept for 14 days, days for 400.'),
});
const COUNTS = { allowed: z.number(), refused: z.number() };
const USAGE = z.object({
  span: SPAN,
  from: time,
  to: time,
  ...COUNTS,
  items: z.array(z.object({ starts_at: time, ...COUNTS })).describe('Hours or days in which there was any use.'),
});

/** How much is looked at when nothing is said. */
const SHOWN = { hour: 48, day: 30 } as const;
/** Keys that are named, of those of a resource. */
const KEYS_SHOWN = 20;

/** Whole hours or days, no more of them than are kept. */
function rangeOf({ from, to, last, span }: z.infer<typeof RANGE>, now: EpochMilliseconds): Result<UsageRange, Refusal> {
  const width = span === 'hour' ? HOUR : DAY;
  const begin = span === 'hour' ? hourOf : dayOf;
  const at = (text: string): EpochSeconds => seconds(Date.parse(text) as EpochMilliseconds);
  const end = (begin(to === undefined ? seconds(now) : at(to)) + width) as EpochSeconds;
  const start = from === undefined ? ((end - (last ?? SHOWN[span]) * width) as EpochSeconds) : begin(at(from));
  if (start >= end) return fail({ error: 'field_invalid', detail: 'from must be before to.' });
  if (end - start > KEPT[span] + width) return fail({ error: 'field_invalid', detail: 'from is too long before to.' });
  return ok({ from: start, to: end, span });
}

/** A series with its sums. */
function usageView(rows: Parameters<typeof usageSeries>[0], range: UsageRange) {
  const bins = usageSeries(rows, range);
  const sum = (of: 'allowed' | 'refused') => bins.reduce((total, bin) => total + bin[of], 0);
  return {
    span: range.span,
    from: timeOf(milliseconds(range.from)),
    to: timeOf(milliseconds(range.to)),
    allowed: sum('allowed'),
    refused: sum('refused'),
    items: bins.map(({ startsAt, allowed, refused }) => ({
      starts_at: timeOf(milliseconds(startsAt)),
      allowed,
      refused,
    })),
  };
}

const keyUsage = adminEndpoint({
  method: 'GET',
  path: '/api-keys/:id/usage',
  summary: 'Says how often an API key was used, by hour or day, and when last.',
  scope: 'resources:read',
  query: RANGE,
  success: {
    status: 200,
    schema: USAGE.extend({ api_key: z.string(), resource: z.string(), last_used_at: time.optional() }),
  },
  async answer({ params, query, server }) {
    const { read } = server.store;
    const id = parseId('key', params.id ?? '');
    const key = id === undefined ? undefined : await read.apiKey(id);
    if (key === undefined) return fail({ error: 'not_found' });
    const range = rangeOf(query, (await read.moment()).now);
    if (!range.ok) return range;
    const rows = await read.keyUsage(key.id, range.value.from, range.value.to);
    const lastUse = await read.lastUse(key.id);
    return ok({
      api_key: key.id,
      resource: key.resource,
      ...usageView(rows, range.value),
      ...(lastUse === undefined ? {} : { last_used_at: timeOf(lastUse) }),
    });
  },
});

const resourceUsage = adminEndpoint({
  method: 'GET',
  path: '/resources/:id/usage',
  summary: 'Says how often API keys were used at a resource, by hour or day, and which of them most.',
  scope: 'resources:read',
  query: RANGE,
  success: {
    status: 200,
    schema: USAGE.extend({
      resource: z.string(),
      keys: z.array(z.object({ api_key: z.string(), ...COUNTS })).describe('Those that were used most.'),
    }),
  },
  async answer({ params, query, server }) {
    const { read } = server.store;
    const id = parseId('res', params.id ?? '');
    const resource = id === undefined ? undefined : await read.resourceById(id);
    if (resource === undefined) return fail({ error: 'not_found' });
    const range = rangeOf(query, (await read.moment()).now);
    if (!range.ok) return range;
    const { from, to } = range.value;
    const rows = await read.resourceUsage(resource.id, from, to);
    const keys = await read.mostUsedKeys(resource.id, from, to, KEYS_SHOWN);
    return ok({
      resource: resource.identifier,
      ...usageView(rows, range.value),
      keys: keys.map(({ apiKey, allowed, refused }) => ({ api_key: apiKey, allowed, refused })),
    });
  },
});

export const USAGE_ROUTES: readonly AdminEndpoint[] = [keyUsage, resourceUsage];
