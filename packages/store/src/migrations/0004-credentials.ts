import type { Migration } from './migration.ts';

/** What the tokens of a resource look like, and what they say beyond the standard's claims. */
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
  ],
};
