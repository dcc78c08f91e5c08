import type { Migration } from './migration.ts';

/**
 * Sign-in pages and authorization codes. A login of the release before was never stored longer than a request, so its
 * table is made anew. The server's own resource now knows the scopes of OpenID Connect.
 */
export const signIn: Migration = {
  number: 2,
  name: 'sign-in',
  statements: [
    `DROP TABLE attempts`,
    `CREATE TABLE attempts (id {bytes} PRIMARY KEY, version {int} NOT NULL, browser TEXT NOT NULL, request TEXT NOT NULL, progress TEXT NOT NULL, created_at {int} NOT NULL, expires_at {int} NOT NULL)`,
    `CREATE INDEX attempts_expiry ON attempts (expires_at)`,
    `ALTER TABLE sessions ADD COLUMN cookie_hash TEXT`,
    `ALTER TABLE sessions ADD COLUMN cookie_idle_seconds {int}`,
    `ALTER TABLE sessions ADD COLUMN cookie_seen_at {int}`,
    `CREATE UNIQUE INDEX sessions_cookie ON sessions (cookie_hash) WHERE cookie_hash IS NOT NULL`,
    `ALTER TABLE families ADD COLUMN auth_time_seconds {int}`,
    `ALTER TABLE families ADD COLUMN amr TEXT`,
    `ALTER TABLE clients ADD COLUMN application_type TEXT NOT NULL DEFAULT 'web'`,
    `ALTER TABLE clients ADD COLUMN redirect_uris TEXT NOT NULL DEFAULT '[]'`,
    `ALTER TABLE clients ADD COLUMN post_logout_redirect_uris TEXT NOT NULL DEFAULT '[]'`,
    `ALTER TABLE clients ADD COLUMN requires_pkce {int} NOT NULL DEFAULT 1`,
    `ALTER TABLE clients ADD COLUMN id_token_algorithm TEXT NOT NULL DEFAULT 'RS256'`,
    `ALTER TABLE clients ADD COLUMN scope_claims_in_id_token {int} NOT NULL DEFAULT 0`,
    `CREATE TABLE codes (hash TEXT PRIMARY KEY, client_id {bytes} NOT NULL, account_id {bytes} NOT NULL, session_id {bytes} NOT NULL, family_id {bytes} NOT NULL, redirect_uri TEXT NOT NULL, redirect_uri_given {int} NOT NULL, scope TEXT NOT NULL, resources TEXT NOT NULL, nonce TEXT, challenge TEXT, auth_time_seconds {int} NOT NULL, amr TEXT NOT NULL, wrong_tries {int} NOT NULL, created_at {int} NOT NULL, expires_at {int} NOT NULL, redeemed_at {int})`,
    `CREATE INDEX codes_created ON codes (created_at)`,
    `CREATE TABLE consents (account_id {bytes} NOT NULL, client_id {bytes} NOT NULL, scope TEXT NOT NULL, resources TEXT NOT NULL, given_at {int} NOT NULL, PRIMARY KEY (account_id, client_id))`,
    `CREATE INDEX consents_client ON consents (client_id)`,
    `UPDATE resources SET scope = '["openid","profile","email","offline_access"]', version = version + 1 WHERE built_in = 1 AND scope = '[]'`,
  ],
};
