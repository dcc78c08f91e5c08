import type { FamilyId } from '@latchkey/protocol/types';
import type { SealPlace } from './seal.ts';

/** Where each kind of secret is sealed for. */
export const seedPlace = (family: FamilyId): SealPlace => ({
  table: 'families',
  row: family,
  purpose: 'seed',
  version: 1,
});
export const signingKeyPlace = (kid: string): SealPlace => ({
  table: 'signing_keys',
  row: kid,
  purpose: 'private',
  version: 1,
});
export const sharedSecretPlace = (kid: string): SealPlace => ({
  table: 'shared_secrets',
  row: kid,
  purpose: 'hs256',
  version: 1,
});
export const macKeyPlace = (id: number): SealPlace => ({
  table: 'mac_keys',
  row: String(id),
  purpose: 'refresh',
  version: 1,
});
