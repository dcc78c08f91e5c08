import type { ApiKey } from '@latchkey/domain/api-keys/api-key';
import { decideUse, loadQuota, periodOf, type QuotaState } from '@latchkey/domain/api-keys/quota';
import { fail, ok, type Result } from '@latchkey/protocol/result';
import type { EpochMilliseconds, ResourceId } from '@latchkey/protocol/types';
import type { Refusal, Server } from '../server.ts';

/**
 * One use of a key that is counted here and not by a verifier: within its rate first, then out of its quota, so that
 * what comes too fast costs nothing. Whatever comes of it is counted.
 *
 * @returns `api_key_rate_limited`, `api_key_quota_exhausted`
 */
export async function useApiKey(
  key: ApiKey,
  resourceId: ResourceId,
  server: Server,
): Promise<Result<QuotaState | undefined, Refusal>> {
  const wait = key.rate === undefined ? 0 : await server.ephemeral.take(`api-key:${key.id}`, allowanceOf(key.rate));
  if (wait === 0) return spendOne(key, resourceId, server);
  server.usage.count({ apiKey: key.id, resourceId, isAllowed: false });
  return fail({ error: 'api_key_rate_limited', headers: limitedHeaders(key, wait), about: { api_key: key.id } });
}

const allowanceOf = ({ limit, seconds }: NonNullable<ApiKey['rate']>) => ({
  burst: limit,
  perMinute: (limit * 60) / seconds,
});

/**
 * The same for whoever keeps to the rate by itself.
 *
 * @returns `api_key_quota_exhausted`
 */
export async function spendOne(
  key: ApiKey,
  resourceId: ResourceId,
  server: Server,
): Promise<Result<QuotaState | undefined, Refusal>> {
  const { outcome, moment } = await server.commit(async (read, at) => {
    const now = await read.apiKey(key.id);
    return loadQuota(read, now ?? key, at);
  }, decideUse);
  server.usage.count({ apiKey: key.id, resourceId, isAllowed: outcome.ok });
  if (outcome.ok) return ok(outcome.value);
  return fail({ error: outcome.error, headers: exhaustedHeaders(key, moment.now), about: { api_key: key.id } });
}

/** @spec draft-ietf-httpapi-ratelimit-headers-10 §3 (`q`, `w`), §4 (`r`, `t`) */
const limitedHeaders = ({ rate }: ApiKey, wait: number): Readonly<Record<string, string>> => ({
  ...(rate === undefined ? {} : { 'ratelimit-policy': `"rate";q=${rate.limit};w=${rate.seconds}` }),
  ratelimit: `"rate";r=0;t=${wait}`,
  'retry-after': String(wait),
});

/** @spec draft-ietf-httpapi-ratelimit-headers-10 §3 (`q`), §4 (`r`, `t`) */
function exhaustedHeaders({ quota }: ApiKey, now: EpochMilliseconds): Readonly<Record<string, string>> {
  if (quota === undefined) return {};
  const wait = Math.max(1, periodOf(quota.period, now).endsAt - Math.floor(now / 1000));
  return {
    'ratelimit-policy': `"quota";q=${quota.uses}`,
    ratelimit: `"quota";r=0;t=${wait}`,
    'retry-after': String(wait),
  };
}
