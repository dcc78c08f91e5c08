import type { ApiKey } from '@latchkey/domain/api-keys/api-key';
import { decideLend } from '@latchkey/domain/api-keys/lease';
import { loadQuota, periodOf } from '@latchkey/domain/api-keys/quota';
import { apiKeyTerms } from '@latchkey/domain/api-keys/terms';
import type { Resource } from '@latchkey/domain/clients/resource';
import type { ApiKeyTerms, Lease } from '@latchkey/protocol/api-key-terms';
import { ok, type Result } from '@latchkey/protocol/result';
import { seconds } from '@latchkey/protocol/types';
import type { CredentialContext } from '../prove/credential-kind.ts';
import type { Refusal, Server } from '../server.ts';
import { rateShare } from './rate-share.ts';
import { spendOne, useApiKey } from './use.ts';
import { isVerifierName } from './verifier-name.ts';

/**
 * On which terms whoever asks about a key may let it in. A verifier is lent uses, or asks about each one; then it is told
 * when nothing is left, and still knows the key. Anybody else knows only `active`, so each question is a use, and a key
 * that may not be used now is none.
 *
 * @returns `api_key_rate_limited`, `api_key_quota_exhausted`
 */
export async function termsFor(
  key: ApiKey,
  { id: resourceId }: Resource,
  server: Server,
  { instance, isStrict }: CredentialContext,
): Promise<Result<ApiKeyTerms, Refusal>> {
  const terms = apiKeyTerms(key);
  if (instance === undefined || !isVerifierName(instance)) {
    const used = await useApiKey(key, resourceId, server);
    return used.ok ? ok(terms) : used;
  }
  const rate = await rateShare(key, instance, server);
  const lease = isStrict ? await oneUse(key, resourceId, server) : await lend(key, { resourceId, instance }, server);
  return ok({ ...terms, ...(rate === undefined ? {} : { rate }), ...(lease === undefined ? {} : { lease }) });
}

async function lend(
  key: ApiKey,
  holder: { readonly resourceId: Resource['id']; readonly instance: string },
  server: Server,
): Promise<Lease | undefined> {
  if (key.quota === undefined) return undefined;
  const id = Buffer.from(server.entropy(10)).toString('base64url');
  const { outcome } = await server.commit(
    async (read, moment) => loadQuota(read, (await read.apiKey(key.id)) ?? key, moment),
    (facts, { now }) => decideLend(facts, { ...holder, id }, now),
  );
  return outcome.ok ? outcome.value : undefined;
}

/** What a verifier is told that asks about each use: that there was one, or none. It holds nothing that could be closed. */
async function oneUse(key: ApiKey, resourceId: Resource['id'], server: Server): Promise<Lease | undefined> {
  const { quota, id } = key;
  const used = await spendOne(key, resourceId, server);
  if (quota === undefined || (used.ok && used.value === undefined)) return undefined;
  const { now } = await server.store.read.moment();
  const state = used.ok ? used.value : undefined;
  const none = { limit: quota.uses, remaining: 0, reset: periodOf(quota.period, now).endsAt };
  return { id: 'one use', api_key: id, uses: used.ok ? 1 : 0, until: seconds(now), ...(state ?? none) };
}
