import type { ApiKey } from '@latchkey/domain/api-keys/api-key';
import type { RateLimit } from '@latchkey/protocol/api-key-terms';
import { DURATIONS } from '@latchkey/protocol/limits';
import type { Server } from '../server.ts';

/** A verifier that has told nothing in two of its reports has no share any more. */
const GONE_AFTER = 2 * DURATIONS.verifierReport;

/** Among how many verifiers a key's rate is shared, with this one, which uses it now. Undefined for a key without one. */
export async function rateShare(
  key: ApiKey,
  instance: string,
  server: Server,
): Promise<(RateLimit & { readonly verifiers: number }) | undefined> {
  if (key.rate === undefined) return undefined;
  return { ...key.rate, verifiers: await server.ephemeral.present(`rate:${key.id}`, instance, GONE_AFTER) };
}
