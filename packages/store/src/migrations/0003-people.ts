import type { Migration } from './migration.ts';

/**
 * What the pages for people need: addresses that their owners have shown to be theirs and the links that show it, what
 * is known of a person, levels of assurance, names of their own in sectors; and where clients are told of logouts, with
 * the session in which each family began. The server's own resource knows the scopes that ask for all of it.
 */
export const people: Migration = {
  number: 3,
  name: 'people',
  statements: [
    `ALTER TABLE identifiers ADD COLUMN verified_at {int}`,
    `CREATE TABLE links (hash TEXT PRIMARY KEY, purpose TEXT NOT NULL, subject TEXT NOT NULL, account_id {bytes}, address TEXT, attempt_id {bytes}, created_at {int} NOT NULL, expires_at {int} NOT NULL)`,
    `CREATE UNIQUE INDEX links_subject ON links (purpose, subject)`,
    `CREATE INDEX links_expiry ON links (expires_at)`,
    `CREATE TABLE profiles (account_id {bytes} PRIMARY KEY, version {int} NOT NULL, claims TEXT NOT NULL, updated_at {int} NOT NULL)`,
    `CREATE TABLE subjects (sector TEXT NOT NULL, account_id {bytes} NOT NULL, sub TEXT NOT NULL UNIQUE, PRIMARY KEY (sector, account_id))`,
    `ALTER TABLE clients ADD COLUMN backchannel_logout_uri TEXT`,
    `ALTER TABLE clients ADD COLUMN backchannel_logout_session_required {int} NOT NULL DEFAULT 0`,
    `ALTER TABLE clients ADD COLUMN sector TEXT`,
    `ALTER TABLE codes ADD COLUMN id_token_claims TEXT`,
    `ALTER TABLE codes ADD COLUMN acr TEXT`,
    `ALTER TABLE families ADD COLUMN began_in {bytes}`,
    `UPDATE families SET began_in = session_id`,
    `CREATE INDEX families_began_in ON families (began_in, client_id) WHERE began_in IS NOT NULL`,
    `ALTER TABLE families ADD COLUMN id_token_claims TEXT`,
    `ALTER TABLE families ADD COLUMN acr TEXT`,
    `ALTER TABLE families ADD COLUMN pairwise_subject TEXT`,
    `ALTER TABLE families ADD COLUMN pairwise_sid TEXT`,
    `CREATE INDEX families_account_client ON families (account_id, client_id)`,
    `DROP INDEX families_account`,
    `CREATE INDEX families_pairwise ON families (account_id) WHERE pairwise_subject IS NOT NULL AND ended_at IS NULL`,
    `UPDATE resources SET scope = '["openid","profile","email","address","phone","offline_access"]', version = version + 1 WHERE built_in = 1 AND scope = '["openid","profile","email","offline_access"]'`,
  ],
};
