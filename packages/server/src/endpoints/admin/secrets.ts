import type { NewSecret } from '@latchkey/domain/clients/secret';
import { makeId } from '@latchkey/protocol/ids';
import { DURATIONS } from '@latchkey/protocol/limits';
import { z } from 'zod';
import { secretHash } from '../../prove/secret.ts';
import type { Server } from '../../server.ts';

/** `lk_cs_` for clients, `lk_rs_` for resource servers: so that scanners of leaked secrets find them. */
export type SecretPrefix = 'lk_cs_' | 'lk_rs_';

const SECRET_BYTES = 32;

/** A new secret: its text for the one answer that tells it, and what is stored of it. */
export function makeSecret(
  prefix: SecretPrefix,
  { entropy, now }: Pick<Server, 'entropy' | 'now'>,
): { readonly text: string; readonly stored: NewSecret } {
  const text = prefix + Buffer.from(entropy(SECRET_BYTES)).toString('base64url');
  return { text, stored: { id: makeId('sec', now(), entropy(10)), hash: secretHash(text) } };
}

/** What is asked when a secret is to be replaced. */
export const ROTATE = z.strictObject({
  overlap_seconds: z
    .number()
    .int()
    .min(0)
    .max(DURATIONS.secretOverlapMax)
    .default(0)
    .describe('How long what it replaces stays good; 0 ends it at once.'),
});
