import type { VerifierStatus } from '@latchkey/verifier';

/** Counts what a sidecar decided. */
export interface Tally {
  count(status: number, error: string): void;
  /** As Prometheus reads it. @spec Prometheus text format 0.0.4 */
  render(status: VerifierStatus): string;
}

/** Rows of the catalogue and two outcomes: more series than this there cannot be. */
const SERIES_MAX = 1_000;

export function createTally(): Tally {
  const decisions = new Map<string, number>();
  return {
    count(status, error) {
      const outcome = status === 200 ? 'allowed' : status >= 500 ? 'failed' : 'refused';
      const labels = `outcome="${outcome}",error="${error}"`;
      if (decisions.size < SERIES_MAX || decisions.has(labels)) decisions.set(labels, (decisions.get(labels) ?? 0) + 1);
    },
    render({ stalenessMilliseconds, isStale, revocations, cachedTokens }) {
      const staleness = Number.isFinite(stalenessMilliseconds) ? stalenessMilliseconds / 1000 : '+Inf';
      return [
        ...headOf('latchkey_sidecar_decisions_total', 'counter', 'Requests decided about, by outcome and cause.'),
        ...[...decisions].map(([labels, count]) => `latchkey_sidecar_decisions_total{${labels}} ${count}`),
        ...gauge('latchkey_sidecar_staleness_seconds', 'How old the knowledge of revocations is.', staleness),
        ...gauge('latchkey_sidecar_stale', '1 while it is older than it may be.', isStale ? 1 : 0),
        ...gauge('latchkey_sidecar_cached_tokens', 'Credentials that are known already.', cachedTokens),
        ...gauge('latchkey_sidecar_revocations', 'Revocations that can still concern a token.', revocations),
        '',
      ].join('\n');
    },
  };
}

const headOf = (name: string, type: string, help: string) => [`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`];
const gauge = (name: string, help: string, value: number | string) => [
  ...headOf(name, 'gauge', help),
  `${name} ${value}`,
];
