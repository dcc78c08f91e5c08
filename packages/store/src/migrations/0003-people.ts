import type { Migration } from './migration.ts';

/** Addresses that their owners have shown to be theirs, and the links that show it. */
export const people: Migration = {
  number: 3,
  name: 'people',
  statements: [
    `ALTER TABLE identifiers ADD COLUMN verified_at {int}`,
    `CREATE TABLE links (hash TEXT PRIMARY KEY, purpose TEXT NOT NULL, subject TEXT NOT NULL, account_id {bytes}, address TEXT, attempt_id {bytes}, created_at {int} NOT NULL, expires_at {int} NOT NULL)`,
    `CREATE UNIQUE INDEX links_subject ON links (purpose, subject)`,
    `CREATE INDEX links_expiry ON links (expires_at)`,
  ],
};
