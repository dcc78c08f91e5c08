import type { Migration } from './migration.ts';

/**
 * What is known of people, and which claims an ID token is to hold. The server's own resource knows the scopes that ask
 * for all of it.
 */
export const profiles: Migration = {
  number: 5,
  name: 'profiles',
  statements: [
    `CREATE TABLE profiles (account_id {bytes} PRIMARY KEY, version {int} NOT NULL, claims TEXT NOT NULL, updated_at {int} NOT NULL)`,
    `ALTER TABLE codes ADD COLUMN id_token_claims TEXT`,
    `ALTER TABLE families ADD COLUMN id_token_claims TEXT`,
    `UPDATE resources SET scope = '["openid","profile","email","address","phone","offline_access"]', version = version + 1 WHERE built_in = 1 AND scope = '["openid","profile","email","offline_access"]'`,
  ],
};
