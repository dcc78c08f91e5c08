import type { Migration } from './migration.ts';

/** What the tokens of a resource look like, what they say beyond the standard's claims, and what is kept of them. */
export const credentials: Migration = {
  number: 4,
  name: 'credentials',
  statements: [
    `ALTER TABLE resources ADD COLUMN format TEXT NOT NULL DEFAULT 'jwt'`,
    `ALTER TABLE resources ADD COLUMN encryption_key TEXT`,
    `ALTER TABLE resources ADD COLUMN claims TEXT NOT NULL DEFAULT '[]'`,
    `ALTER TABLE resources ADD COLUMN permissions TEXT NOT NULL DEFAULT '{}'`,
    `ALTER TABLE resources ADD COLUMN access_token_bytes {int} NOT NULL DEFAULT 2048`,
    `ALTER TABLE resources ADD COLUMN has_status_list {int} NOT NULL DEFAULT 0`,
    `ALTER TABLE resources ADD COLUMN has_self_service_keys {int} NOT NULL DEFAULT 0`,

    // access tokens that leave a row, and how many of them each client has, those with a place in a status list apart
    `CREATE TABLE token_records (jti {bytes} PRIMARY KEY, handle TEXT UNIQUE, mac_key_id {int}, client_id TEXT NOT NULL, resource_id {bytes} NOT NULL, status_list {int}, status_index {int}, claims TEXT NOT NULL, expires_at {int} NOT NULL)`,
    `CREATE UNIQUE INDEX token_records_status ON token_records (status_list, status_index) WHERE status_list IS NOT NULL`,
    `CREATE INDEX token_records_client ON token_records (client_id, expires_at, jti) WHERE status_list IS NULL`,
    `CREATE INDEX token_records_expiry ON token_records (expires_at, jti, client_id)`,
    `CREATE TABLE token_record_counts (client_id TEXT NOT NULL, is_listed {int} NOT NULL, records {int} NOT NULL, PRIMARY KEY (client_id, is_listed))`,

    // secrets that resources share with the server
    `CREATE TABLE shared_secrets (kid TEXT PRIMARY KEY, resource_id {bytes} NOT NULL, sealed {bytes} NOT NULL, created_at {int} NOT NULL, active_at {int} NOT NULL, retires_at {int})`,

    // API keys
    `CREATE TABLE api_keys (id {bytes} PRIMARY KEY, version {int} NOT NULL, owner_kind TEXT NOT NULL, owner {bytes} NOT NULL, environment TEXT NOT NULL, name TEXT NOT NULL, resource TEXT NOT NULL, scope TEXT NOT NULL, tenant TEXT, networks TEXT NOT NULL, quota_uses {int}, quota_period TEXT, rate_limit {int}, rate_seconds {int}, metadata TEXT NOT NULL, secret_hash TEXT NOT NULL, previous_hash TEXT, previous_until {int}, created_at {int} NOT NULL, expires_at {int} NOT NULL, pos_epoch {int} NOT NULL, pos_seq {int} NOT NULL, ended_at {int}, end_reason TEXT, ended_by TEXT)`,
    `CREATE INDEX api_keys_owner ON api_keys (owner, id)`,
    `CREATE INDEX api_keys_resource ON api_keys (resource, id)`,
    `CREATE INDEX api_keys_expiry ON api_keys (expires_at)`,
    `CREATE INDEX api_keys_ended ON api_keys (ended_at) WHERE ended_at IS NOT NULL`,
    // what is kept about accounts for their APIs, and what of it tokens may say
    `ALTER TABLE resources ADD COLUMN allow_email_claim {int} NOT NULL DEFAULT 0`,
    // the admin API has scopes for them; whoever could do everything still can
    `UPDATE resources SET scope = '["accounts:read","accounts:write","clients:read","clients:write","resources:read","resources:write","roles:write","api_keys:read","api_keys:write","sessions:read","sessions:write","tokens:revoke","keys:read","keys:write","audit:read","explain"]', version = version + 1 WHERE built_in = 1 AND scope = '["accounts:read","accounts:write","clients:read","clients:write","resources:read","resources:write","roles:write","sessions:read","sessions:write","tokens:revoke","keys:read","keys:write","audit:read","explain"]'`,
    `UPDATE clients SET scope = '["accounts:read","accounts:write","clients:read","clients:write","resources:read","resources:write","roles:write","api_keys:read","api_keys:write","sessions:read","sessions:write","tokens:revoke","keys:read","keys:write","audit:read","explain"]', version = version + 1 WHERE scope = '["accounts:read","accounts:write","clients:read","clients:write","resources:read","resources:write","roles:write","sessions:read","sessions:write","tokens:revoke","keys:read","keys:write","audit:read","explain"]'`,
    // what is kept about accounts for their APIs
    `CREATE TABLE account_metadata (account_id {bytes} PRIMARY KEY, version {int} NOT NULL, tenant TEXT, entries TEXT NOT NULL)`,
    // uses of API keys: what quotas have spent, what verifiers hold of them, how often each key was used
    `CREATE TABLE api_key_quotas (api_key {bytes} NOT NULL, starts_at {int} NOT NULL, ends_at {int} NOT NULL, spent {int} NOT NULL, PRIMARY KEY (api_key, starts_at))`,
    `CREATE INDEX api_key_quotas_end ON api_key_quotas (ends_at)`,
    `CREATE TABLE api_key_leases (id TEXT PRIMARY KEY, api_key {bytes} NOT NULL, resource_id {bytes} NOT NULL, instance TEXT NOT NULL, starts_at {int} NOT NULL, uses {int} NOT NULL, until {int} NOT NULL)`,
    `CREATE INDEX api_key_leases_key ON api_key_leases (api_key)`,
    `CREATE INDEX api_key_leases_end ON api_key_leases (until)`,
    `CREATE TABLE api_key_usage (id {bytes} NOT NULL, kind TEXT NOT NULL, span TEXT NOT NULL, starts_at {int} NOT NULL, resource_id {bytes} NOT NULL, allowed {int} NOT NULL, refused {int} NOT NULL, used_at {int}, PRIMARY KEY (id, kind, starts_at, span))`,
    `CREATE INDEX api_key_usage_resource ON api_key_usage (resource_id, starts_at) WHERE kind = 'key'`,
    `CREATE INDEX api_key_usage_age ON api_key_usage (span, starts_at, id, kind)`,
    `CREATE TABLE verifier_instances (instance TEXT PRIMARY KEY, resource_id {bytes} NOT NULL, number {int} NOT NULL, answer TEXT NOT NULL, seen_at {int} NOT NULL)`,
    `CREATE INDEX verifier_instances_resource ON verifier_instances (resource_id)`,
    `CREATE INDEX verifier_instances_age ON verifier_instances (seen_at)`,
    // status lists, and which of their indexes were taken
    `CREATE TABLE status_lists (number {int} PRIMARY KEY, taken {int} NOT NULL)`,
    `CREATE TABLE status_indexes (list {int} NOT NULL, idx {int} NOT NULL, PRIMARY KEY (list, idx))`,
    // tokens that were used, where they may be used once
    `CREATE TABLE replays (resource_id {bytes} NOT NULL, hash TEXT NOT NULL, expires_at {int} NOT NULL, PRIMARY KEY (resource_id, hash))`,
    `CREATE INDEX replays_expiry ON replays (expires_at)`,
  ],
};
