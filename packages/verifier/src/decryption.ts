import type { ErrorId } from '@latchkey/protocol/errors';
import { fail, ok, type Result } from '@latchkey/protocol/result';
import { createTokenDecrypter, isEncryptedToken } from '@latchkey/tokens/formats/encrypted-token';
import type { Config } from './options.ts';

/**
 * Comes before everything that is decided about a signed token: one that is encrypted to this API is decrypted first. It
 * is good for nothing by that, since whoever knows the public key can encrypt; what is inside is verified like any other.
 */
export interface Decryption {
  /** The signed token as it came, or why it is not taken; undefined for one that must be decrypted. */
  now(token: string): Result<string, ErrorId> | undefined;
  /** The signed token, decrypted where it must be. */
  later(token: string): Promise<Result<string, ErrorId>>;
}

/**
 * Decrypts with the keys of the configuration. An API without keys takes no encrypted token; one that demands
 * encryption takes no other.
 */
export function createDecryption({
  decryptionKeys,
  requireEncryption,
}: Pick<Config, 'decryptionKeys' | 'requireEncryption'>): Decryption {
  const decrypt = createTokenDecrypter(decryptionKeys);
  const isEncrypted = (token: string) => decryptionKeys.length > 0 && isEncryptedToken(token);
  const asItCame = (token: string): Result<string, ErrorId> =>
    requireEncryption ? fail('token_unencrypted') : ok(token);
  return {
    now: (token) => (isEncrypted(token) ? undefined : asItCame(token)),
    later: async (token) => (isEncrypted(token) ? decrypt(token) : asItCame(token)),
  };
}
