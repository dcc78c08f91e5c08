import type { Migration } from './migration.ts';

/** What is known of people. */
export const profiles: Migration = {
  number: 5,
  name: 'profiles',
  statements: [
    `CREATE TABLE profiles (account_id {bytes} PRIMARY KEY, version {int} NOT NULL, claims TEXT NOT NULL, updated_at {int} NOT NULL)`,
  ],
};
