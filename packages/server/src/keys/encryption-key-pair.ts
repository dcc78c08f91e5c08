import {
  ENCRYPTION_CURVES,
  type EncryptionCurve,
  type EncryptionKeyPair,
  generateEncryptionKeyPair,
} from '@latchkey/tokens/keys/encryption-key';

/**
 * For the command line: a pair for an API. A server never makes one, since it must not have the private half of what is
 * encrypted to somebody else.
 */
export const makeEncryptionKeyPair = (curve: EncryptionCurve): Promise<EncryptionKeyPair> =>
  generateEncryptionKeyPair(curve);

export { ENCRYPTION_CURVES, type EncryptionCurve };
