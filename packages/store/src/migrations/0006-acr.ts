import type { Migration } from './migration.ts';

/** Codes and families know which level of assurance their sign-in had. */
export const acr: Migration = {
  number: 6,
  name: 'acr',
  statements: [`ALTER TABLE codes ADD COLUMN acr TEXT`, `ALTER TABLE families ADD COLUMN acr TEXT`],
};
