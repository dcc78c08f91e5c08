/** Counters and gauges, for Prometheus. Label values come from small closed sets, never from a request. */
export interface Metrics {
  count(name: CounterName, labels?: Readonly<Record<string, string>>): void;
  observe(name: HistogramName, seconds: number, labels?: Readonly<Record<string, string>>): void;
  set(name: GaugeName, value: number): void;
  /** The text that /metrics answers with. */
  render(): Promise<string>;
}

export type CounterName =
  | 'latchkey_requests_total'
  | 'latchkey_refusals_total'
  | 'latchkey_tokens_issued_total'
  | 'latchkey_refreshes_total'
  | 'latchkey_overlap_uses_total'
  | 'latchkey_logins_total'
  | 'latchkey_breach_checks_total'
  | 'latchkey_revocations_total'
  | 'latchkey_alerts_total'
  | 'latchkey_faults_total'
  | 'latchkey_claim_hook_total'
  | 'latchkey_feed_readers_cut_total';
export type HistogramName =
  | 'latchkey_request_seconds'
  | 'latchkey_password_hash_seconds'
  | 'latchkey_commit_seconds'
  | 'latchkey_claim_hook_seconds';
export type GaugeName =
  | 'latchkey_feed_streams'
  | 'latchkey_hash_queue'
  | 'latchkey_feed_seq'
  | 'latchkey_outbox_waiting';
