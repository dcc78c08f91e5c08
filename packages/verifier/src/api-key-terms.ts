import type { ApiKeyTerms, Lease, RateLimit, ReportAnswer } from '@latchkey/protocol/api-key-terms';
import { isNetwork } from '@latchkey/protocol/network';
import type { EpochSeconds } from '@latchkey/protocol/types';

type Members = Readonly<Record<string, unknown>>;

const membersOf = (value: unknown): Members | undefined =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Members) : undefined;
const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && Number(value) >= 0;
const isTime = (value: unknown): value is EpochSeconds => typeof value === 'number' && Number.isFinite(value);
const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);

/** Reads what an introspection tells of an API key; undefined when any of it is not as it should be: no limit is lost. */
export function readTerms(value: unknown): ApiKeyTerms | undefined {
  const terms = membersOf(value);
  if (terms === undefined) return undefined;
  const { environment, networks, rate, lease } = terms;
  if (environment !== 'live' && environment !== 'test') return undefined;
  if (networks !== undefined && !isNetworks(networks)) return undefined;
  const readRateLimit = rate === undefined ? undefined : readRate(rate);
  const readLeaseOf = lease === undefined ? undefined : readLease(lease);
  if ((rate !== undefined && readRateLimit === undefined) || (lease !== undefined && readLeaseOf === undefined))
    return undefined;
  return {
    environment,
    ...(networks === undefined ? {} : { networks }),
    ...(readRateLimit === undefined ? {} : { rate: readRateLimit }),
    ...(readLeaseOf === undefined ? {} : { lease: readLeaseOf }),
  };
}

const isNetworks = (value: unknown): value is readonly string[] =>
  Array.isArray(value) && value.every((cidr) => typeof cidr === 'string' && isNetwork(cidr));

function readRate(value: unknown): (RateLimit & { readonly verifiers: number }) | undefined {
  const { limit, seconds, verifiers } = membersOf(value) ?? {};
  if (!isCount(limit) || !isCount(seconds) || !isCount(verifiers)) return undefined;
  return limit > 0 && seconds > 0 && verifiers > 0 ? { limit, seconds, verifiers } : undefined;
}

/** Reads a lease; undefined when it is not as it should be. */
export function readLease(value: unknown): Lease | undefined {
  const { id, api_key, uses, until, limit, remaining, reset } = membersOf(value) ?? {};
  if (typeof id !== 'string' || typeof api_key !== 'string') return undefined;
  if (!isCount(uses) || !isCount(limit) || !isCount(remaining) || !isTime(until) || !isTime(reset)) return undefined;
  return { id, api_key, uses, until, limit, remaining, reset };
}

/** Reads the answer to a report. What is not as it should be is left out: it grants nothing. */
export function readReportAnswer(value: unknown): ReportAnswer {
  const { leases, rates } = membersOf(value) ?? {};
  return {
    leases: listOf(leases).flatMap((one) => readLease(one) ?? []),
    rates: listOf(rates).flatMap((one) => {
      const { api_key, verifiers } = membersOf(one) ?? {};
      return typeof api_key === 'string' && isCount(verifiers) && verifiers > 0 ? [{ api_key, verifiers }] : [];
    }),
  };
}
