import type { Migration } from './migration.ts';

/**
 * The first schema. Ids are 16 bytes; times are milliseconds since 1970 unless a name says seconds.
 * `{int}` and `{bytes}` are the words of the dialect.
 */
export const first: Migration = {
  number: 1,
  name: 'first',
  statements: [
    `CREATE TABLE state (id {int} PRIMARY KEY, epoch {int} NOT NULL, seq {int} NOT NULL, catalogue {int} NOT NULL, kek_check {bytes})`,
    `CREATE TABLE accounts (id {bytes} PRIMARY KEY, version {int} NOT NULL, created_at {int} NOT NULL, disabled_at {int}, cutoff_epoch {int}, cutoff_seq {int})`,
    `CREATE TABLE identifiers (normalised TEXT PRIMARY KEY, account_id {bytes} NOT NULL, kind TEXT NOT NULL, display TEXT NOT NULL)`,
    `CREATE INDEX identifiers_account ON identifiers (account_id)`,
    `CREATE TABLE passwords (account_id {bytes} PRIMARY KEY, version {int} NOT NULL, phc TEXT NOT NULL, changed_at {int} NOT NULL, failures {int} NOT NULL, last_failure_at {int})`,
    `CREATE TABLE attempts (id {bytes} PRIMARY KEY, version {int} NOT NULL, account_id {bytes} NOT NULL, client_id {bytes} NOT NULL, state TEXT NOT NULL, created_at {int} NOT NULL, expires_at {int} NOT NULL)`,
    `CREATE INDEX attempts_expiry ON attempts (expires_at)`,
    `CREATE TABLE sessions (id {bytes} PRIMARY KEY, version {int} NOT NULL, account_id {bytes} NOT NULL, created_at {int} NOT NULL, expires_at {int} NOT NULL, auth_time_seconds {int} NOT NULL, amr TEXT NOT NULL, acr TEXT, address TEXT, user_agent TEXT, pos_epoch {int} NOT NULL, pos_seq {int} NOT NULL, ended_at {int}, end_reason TEXT, ended_by TEXT)`,
    `CREATE INDEX sessions_account ON sessions (account_id, ended_at)`,
    `CREATE INDEX sessions_expiry ON sessions (expires_at)`,
    `CREATE INDEX sessions_ended ON sessions (ended_at) WHERE ended_at IS NOT NULL`,
    `CREATE TABLE families (id {bytes} PRIMARY KEY, account_id {bytes} NOT NULL, client_id {bytes} NOT NULL, session_id {bytes}, scope TEXT NOT NULL, resources TEXT NOT NULL, delivery TEXT NOT NULL, cnf TEXT, created_at {int} NOT NULL, expires_at {int} NOT NULL, pos_epoch {int} NOT NULL, pos_seq {int} NOT NULL, ended_at {int}, end_reason TEXT, ended_by TEXT, generation {int}, rotated_at {int}, last_used_at {int}, idle_seconds {int}, overlap_ms {int}, attempt_hash TEXT, overlap_uses {int}, overlap_streak {int}, mac_key_id {int}, seed {bytes})`,
    `CREATE INDEX families_account ON families (account_id)`,
    `CREATE INDEX families_session ON families (session_id)`,
    `CREATE INDEX families_client ON families (client_id)`,
    `CREATE INDEX families_expiry ON families (expires_at)`,
    `CREATE INDEX families_ended ON families (ended_at) WHERE ended_at IS NOT NULL`,
    `CREATE TABLE clients (id {bytes} PRIMARY KEY, version {int} NOT NULL, name TEXT NOT NULL, created_at {int} NOT NULL, deleted_at {int}, authentication TEXT NOT NULL, first_party {int} NOT NULL, grant_types TEXT NOT NULL, scope TEXT NOT NULL, resources TEXT NOT NULL, origins TEXT NOT NULL, refresh_policy TEXT NOT NULL, overlap_ms {int}, cutoff_epoch {int}, cutoff_seq {int})`,
    `CREATE INDEX clients_first_party ON clients (first_party, deleted_at)`,
    `CREATE TABLE secrets (id {bytes} PRIMARY KEY, owner_kind TEXT NOT NULL, owner {bytes} NOT NULL, hash TEXT NOT NULL, created_at {int} NOT NULL, expires_at {int})`,
    `CREATE INDEX secrets_owner ON secrets (owner)`,
    `CREATE TABLE resources (id {bytes} PRIMARY KEY, version {int} NOT NULL, identifier TEXT NOT NULL UNIQUE, audience TEXT NOT NULL, name TEXT NOT NULL, created_at {int} NOT NULL, scope TEXT NOT NULL, algorithm TEXT NOT NULL, token_type TEXT NOT NULL, access_token_seconds {int} NOT NULL, built_in {int} NOT NULL)`,
    `CREATE TABLE roles (account_id {bytes} NOT NULL, resource TEXT NOT NULL, role TEXT NOT NULL, PRIMARY KEY (account_id, resource, role))`,
    `CREATE TABLE signing_keys (kid TEXT PRIMARY KEY, algorithm TEXT NOT NULL, state TEXT NOT NULL, jwk TEXT NOT NULL, sealed {bytes} NOT NULL, created_at {int} NOT NULL, since {int} NOT NULL)`,
    `CREATE TABLE mac_keys (id {int} PRIMARY KEY, state TEXT NOT NULL, sealed {bytes} NOT NULL, created_at {int} NOT NULL)`,
    `CREATE TABLE revocations (seq {int} PRIMARY KEY, epoch {int} NOT NULL, kind TEXT NOT NULL, ref TEXT NOT NULL, exp_seconds {int} NOT NULL)`,
    `CREATE INDEX revocations_ref ON revocations (ref)`,
    `CREATE INDEX revocations_expiry ON revocations (exp_seconds)`,
    `CREATE TABLE audit (id {int} PRIMARY KEY, at {int} NOT NULL, event TEXT NOT NULL, actor TEXT NOT NULL, subject TEXT NOT NULL, detail TEXT NOT NULL, mac TEXT NOT NULL, chain_number {int}, chain_hash TEXT)`,
    `CREATE TABLE audit_subjects (ref TEXT NOT NULL, audit_id {int} NOT NULL, PRIMARY KEY (ref, audit_id))`,
    `CREATE TABLE outbox (id {int} PRIMARY KEY, topic TEXT NOT NULL, body TEXT NOT NULL, created_at {int} NOT NULL, due_at {int} NOT NULL, attempts {int} NOT NULL)`,
    `CREATE INDEX outbox_due ON outbox (due_at)`,
  ],
};
