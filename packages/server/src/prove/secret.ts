import { hash, timingSafeEqual } from 'node:crypto';
import type { OwnerSecret } from '@latchkey/domain/clients/client';
import { isSecretLive } from '@latchkey/domain/clients/secret';
import { fail, ok, type Result } from '@latchkey/protocol/result';
import type { EpochMilliseconds, Sha256 } from '@latchkey/protocol/types';

/** The hash under which a secret is kept. It holds 256 random bits, so a plain hash is enough. */
export const secretHash = (secret: string): Sha256 => hash('sha256', secret, 'base64url') as Sha256;

/**
 * Compares a presented secret with all that are stored, in constant time each, and with a decoy where there is none:
 * an unknown owner costs the same.
 *
 * @returns `client_secret_wrong`, `client_secret_expired`
 */
export function matchSecret(
  presented: string,
  stored: readonly OwnerSecret[],
  now: EpochMilliseconds,
): Result<OwnerSecret, 'client_secret_wrong' | 'client_secret_expired'> {
  const wanted = Buffer.from(secretHash(presented));
  let match: OwnerSecret | undefined;
  for (const secret of stored) {
    const bytes = Buffer.from(secret.hash);
    if (bytes.length === wanted.length && timingSafeEqual(bytes, wanted)) match = secret;
  }
  if (stored.length === 0) timingSafeEqual(wanted, wanted);
  if (match === undefined) return fail('client_secret_wrong');
  return isSecretLive(match, now) ? ok(match) : fail('client_secret_expired');
}
