import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { CounterName, GaugeName, HistogramName, Metrics } from './metrics.ts';

const COUNTERS: Readonly<Record<CounterName, { readonly help: string; readonly labels: readonly string[] }>> = {
  latchkey_requests_total: { help: 'Requests by route and status.', labels: ['route', 'status'] },
  latchkey_refusals_total: { help: 'Refusals by their row of the catalogue.', labels: ['error'] },
  latchkey_tokens_issued_total: { help: 'Access tokens issued.', labels: ['kind'] },
  latchkey_refreshes_total: { help: 'Refreshes that were answered.', labels: ['how'] },
  latchkey_overlap_uses_total: { help: 'Refreshes answered within an overlap.', labels: [] },
  latchkey_logins_total: { help: 'Logins by their outcome.', labels: ['outcome'] },
  latchkey_breach_checks_total: {
    help: 'New passwords looked for among breached ones, by source and outcome.',
    labels: ['source', 'outcome'],
  },
  latchkey_revocations_total: { help: 'Events of the revocation log.', labels: ['kind'] },
  latchkey_alerts_total: { help: 'Alerts raised.', labels: ['event'] },
  latchkey_faults_total: { help: 'Faults of our own.', labels: ['kind'] },
  latchkey_claim_hook_total: { help: 'Tokens that the claim hook was asked about, by outcome.', labels: ['outcome'] },
  latchkey_feed_readers_cut_total: { help: 'Readers of the feed cut off because they were slow.', labels: [] },
};
const HISTOGRAMS: Readonly<Record<HistogramName, { readonly help: string; readonly labels: readonly string[] }>> = {
  latchkey_request_seconds: { help: 'Time of a request.', labels: ['route'] },
  latchkey_password_hash_seconds: { help: 'Time of a password hash with its wait.', labels: [] },
  latchkey_claim_hook_seconds: { help: 'Time of the claim hook.', labels: [] },
  latchkey_commit_seconds: { help: 'Time of a transaction with its wait.', labels: [] },
};
const GAUGES: Readonly<Record<GaugeName, string>> = {
  latchkey_feed_streams: 'Open streams of the feed.',
  latchkey_hash_queue: 'Password hashes that wait.',
  latchkey_feed_seq: 'Number of the last event of the log.',
  latchkey_outbox_waiting: 'Messages that wait for delivery.',
};
const BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5];

const entries = <K extends string, V>(table: Readonly<Record<K, V>>) => Object.entries(table) as [K, V][];

export function createMetrics(): Metrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const registers = [registry];
  const counters = new Map(
    entries(COUNTERS).map(([name, { help, labels }]) => [
      name,
      new Counter({ name, help, labelNames: [...labels], registers }),
    ]),
  );
  const histograms = new Map(
    entries(HISTOGRAMS).map(([name, { help, labels }]) => [
      name,
      new Histogram({ name, help, labelNames: [...labels], buckets: BUCKETS, registers }),
    ]),
  );
  const gauges = new Map(entries(GAUGES).map(([name, help]) => [name, new Gauge({ name, help, registers })]));
  return {
    count: (name, labels = {}) => counters.get(name)?.inc(labels),
    observe: (name, seconds, labels = {}) => histograms.get(name)?.observe(labels, seconds),
    set: (name, value) => gauges.get(name)?.set(value),
    render: () => registry.metrics(),
  };
}
