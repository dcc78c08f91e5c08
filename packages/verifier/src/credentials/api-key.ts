import { fail, ok } from '@latchkey/protocol/result';
import { parseApiKey } from '@latchkey/tokens/formats/api-key';
import { accessOf } from '../access.ts';
import { readTerms } from '../api-key-terms.ts';
import type { CredentialKind } from '../credential.ts';
import type { Freshness } from '../freshness.ts';
import type { Known } from '../known.ts';
import type { Config } from '../options.ts';
import { createIntrospectedKind, type IntrospectedRules } from './introspected.ts';

/**
 * API keys: asked about like opaque tokens, where the API takes them. What the server says of their limits goes to the
 * meters; a key whose limits are not known here is asked about again.
 */
export function createApiKeyKind(config: Config, known: Known, freshness: Freshness): CredentialKind {
  const kind = createIntrospectedKind(config, known, freshness, rulesOf(config, known));
  return {
    now(text) {
      const result = kind.now(text);
      const apiKey = result?.ok === true ? result.value.apiKey : undefined;
      return apiKey?.isLimited === true && !known.meters.has(apiKey.id) ? undefined : result;
    },
    later: kind.later,
  };
}

function rulesOf({ apiKeys, instance }: Config, { meters }: Known): IntrospectedRules {
  const isStrict = apiKeys?.strict === true;
  return {
    isStrict,
    form: { instance, ...(isStrict ? { strict: 'true' } : {}) },
    refusal(text) {
      const key = parseApiKey(text);
      if (!key.ok) return key.error;
      return apiKeys?.environments.includes(key.value.environment) === true ? undefined : 'api_key_not_accepted';
    },
    accessOf(claims, answer, text) {
      const key = parseApiKey(text);
      const terms = readTerms(answer.terms);
      if (!key.ok || terms === undefined || claims.api_key !== key.value.id) return fail('token_claims_invalid');
      const { id, environment } = key.value;
      if (terms.environment !== environment) return fail('token_claims_invalid');
      meters.learn(id, terms);
      if (isStrict && terms.lease?.uses === 0) return fail('api_key_quota_exhausted');
      const isLimited = terms.rate !== undefined || terms.lease !== undefined;
      return ok(accessOf(claims, 'api_key', { id, environment, networks: terms.networks ?? [], isLimited }));
    },
  };
}
