import { DURATIONS, LIMITS } from '@latchkey/protocol/limits';
import { isNetwork } from '@latchkey/protocol/network';
import { type EpochMilliseconds, later } from '@latchkey/protocol/types';
import type { Resource } from '../clients/resource.ts';
import type { ApiKey } from './api-key.ts';

/** What of a key somebody chooses. */
export type ChosenTerms = Pick<
  ApiKey,
  'name' | 'scope' | 'tenant' | 'networks' | 'quota' | 'rate' | 'metadata' | 'expiresAt'
>;

export type TermsRefused =
  | 'api_key_terms_invalid'
  | 'api_key_network_invalid'
  | 'api_key_scope_unknown'
  | 'api_key_expiry_invalid';

/**
 * Says what is wrong with the terms of a key; undefined where nothing is. All of them have limits: they are told to each
 * verifier that meets the key, and kept there.
 *
 * @spec ASVS 13.3 (APK-03)
 */
export function termsRefused(
  { name, scope, tenant, networks, quota, rate, metadata, expiresAt }: ChosenTerms,
  resource: Pick<Resource, 'scope'>,
  now: EpochMilliseconds,
): TermsRefused | undefined {
  const isNamed = isText(name) && (tenant === undefined || isText(tenant));
  const isCounted = quota === undefined || isWhole(quota.uses, LIMITS.apiKeyUsesMax);
  const isPaced =
    rate === undefined || (isWhole(rate.limit, LIMITS.apiKeyUsesMax) && isWhole(rate.seconds, DURATIONS.apiKeyRateMax));
  if (!isNamed || !isCounted || !isPaced || !isMetadata(metadata)) return 'api_key_terms_invalid';
  if (networks.length > LIMITS.apiKeyNetworksMax || !networks.every(isNetwork)) return 'api_key_network_invalid';
  if (!scope.every((each) => resource.scope.includes(each))) return 'api_key_scope_unknown';
  return expiresAt <= now || expiresAt > later(now, DURATIONS.apiKeyMax * 1000) ? 'api_key_expiry_invalid' : undefined;
}

const isText = (text: string): boolean => text.trim() !== '' && text.length <= LIMITS.nameMax;

const isWhole = (value: number, max: number): boolean => Number.isInteger(value) && value >= 1 && value <= max;

function isMetadata(metadata: ApiKey['metadata']): boolean {
  const entries = Object.entries(metadata);
  return (
    entries.length <= LIMITS.apiKeyMetadataMax &&
    entries.every(([name, value]) => /^[\w.-]{1,64}$/.test(name) && value.length <= LIMITS.apiKeyMetadataTextMax)
  );
}
