import type { ClientId, EpochMilliseconds, ResourceId, SecretId, Sha256 } from '@latchkey/protocol/types';
import type { OwnerSecret } from './client.ts';

/** A secret that was just made: its name and its hash. The secret itself never comes in here. */
export interface NewSecret {
  readonly id: SecretId;
  readonly hash: Sha256;
}

/** A new secret as it is stored: it has no end until another one replaces it. */
export const storedSecret = (owner: ClientId | ResourceId, secret: NewSecret, now: EpochMilliseconds): OwnerSecret => ({
  id: secret.id,
  owner,
  hash: secret.hash,
  createdAt: now,
  expiresAt: undefined,
});

export const isSecretLive = (secret: OwnerSecret, now: EpochMilliseconds): boolean =>
  secret.expiresAt === undefined || now < secret.expiresAt;
