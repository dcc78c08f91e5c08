import type { Migration } from './migration.ts';

/** By what people are known in sectors, which clients belong to one, and what their families tell. */
export const pairwise: Migration = {
  number: 7,
  name: 'pairwise',
  statements: [
    `CREATE TABLE subjects (sector TEXT NOT NULL, account_id {bytes} NOT NULL, sub TEXT NOT NULL UNIQUE, PRIMARY KEY (sector, account_id))`,
    `ALTER TABLE clients ADD COLUMN sector TEXT`,
    `ALTER TABLE families ADD COLUMN pairwise_subject TEXT`,
    `ALTER TABLE families ADD COLUMN pairwise_sid TEXT`,
    `CREATE INDEX families_pairwise ON families (account_id) WHERE pairwise_subject IS NOT NULL AND ended_at IS NULL`,
  ],
};
