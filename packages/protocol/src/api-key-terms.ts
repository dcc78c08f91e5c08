import type { EpochSeconds } from './types.ts';

/** So many requests in so many seconds, over all verifiers together. */
export interface RateLimit {
  readonly limit: number;
  readonly seconds: number;
}

/**
 * Uses of a key that a verifier may give out without asking: debited from the quota when granted. What it does not use
 * it gives back; what it loses stays spent, so that a quota is never overshot.
 */
export interface Lease {
  readonly id: string;
  readonly api_key: string;
  readonly uses: number;
  readonly until: EpochSeconds;
  /** The quota in whole, and when it begins anew: for the `RateLimit` headers. */
  readonly limit: number;
  readonly remaining: number;
  readonly reset: EpochSeconds;
}

/** What an introspection tells a verifier of an API key beside its claims, as its member `terms`. */
export interface ApiKeyTerms {
  readonly environment: 'live' | 'test';
  /** From where the key may be used, as CIDR; absent for anywhere. */
  readonly networks?: readonly string[];
  /** The limit, and among how many verifiers it is shared just now, this one included. */
  readonly rate?: RateLimit & { readonly verifiers: number };
  /** Only for a key with a quota. */
  readonly lease?: Lease;
}

/** What a verifier tells the server now and then, at `POST /reports`. */
export interface VerifierReport {
  readonly refusals: readonly unknown[];
  /** The name of this verifier process, made up at its start; with the number it makes a report count once. */
  readonly instance?: string;
  readonly number?: number;
  readonly usage?: readonly UsageCount[];
  /** Leases that are over, with what of them was used. */
  readonly closed?: readonly { readonly id: string; readonly used: number }[];
  /** Keys for which a new lease is wanted. */
  readonly renew?: readonly string[];
  /** Keys that are in use here, whose share of the rate is wanted. */
  readonly active?: readonly string[];
}

/** Uses of a key in one hour. */
export interface UsageCount {
  readonly api_key: string;
  /** When the hour began. */
  readonly hour: EpochSeconds;
  readonly allowed: number;
  readonly refused: number;
}

/** The answer to a report with a number; a report that comes twice is answered twice the same and counts once. */
export interface ReportAnswer {
  readonly leases: readonly Lease[];
  readonly rates: readonly { readonly api_key: string; readonly verifiers: number }[];
}
