import type { PublicEncryptionJwk } from '@latchkey/protocol/jwk';
import { fail, ok, type Result } from '@latchkey/protocol/result';
import { importEncryptionKey } from '@latchkey/tokens/keys/encryption-key';
import { thumbprint } from '@latchkey/tokens/keys/thumbprint';
import { z } from 'zod';
import type { Refusal, Server } from '../../server.ts';

/** The key that an administrator brings, as it is sent. */
export const ENCRYPTION_KEY = z
  .record(z.string(), z.unknown())
  .describe(
    'The public key to which its tokens are encrypted, as JWK: EC with P-256, OKP with X25519, or RSA of 2048 to 4096 bits. Without kid it is called by its thumbprint.',
  );

export const ENCRYPTION_KEY_VIEW = z
  .object({
    kty: z.enum(['EC', 'OKP', 'RSA']),
    kid: z.string(),
    alg: z.string(),
    use: z.literal('enc'),
    crv: z.string().optional(),
    x: z.string().optional(),
    y: z.string().optional(),
    n: z.string().optional(),
    e: z.string().optional(),
  })
  .describe('Present where tokens are, or were, encrypted.');

/**
 * Reads the key of a request; undefined where it brings none. A key that signs here never encrypts: each has one use.
 *
 * @returns `encryption_key_invalid`
 * @spec RFC 8725 §3.5 (JWE-07)
 */
export async function encryptionKeyOf(
  jwk: z.infer<typeof ENCRYPTION_KEY> | undefined,
  { store: { read } }: Pick<Server, 'store'>,
): Promise<Result<PublicEncryptionJwk | undefined, Refusal>> {
  if (jwk === undefined) return ok(undefined);
  const key = importEncryptionKey(jwk);
  if (key === undefined) return fail({ error: 'encryption_key_invalid' });
  const name = thumbprint(key);
  const signing = await read.signingKeys();
  return signing.some((one) => thumbprint(one.jwk) === name) ? fail({ error: 'encryption_key_invalid' }) : ok(key);
}
