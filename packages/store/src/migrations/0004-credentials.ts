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
  ],
};
