import type { ErrorId } from '@latchkey/protocol/errors';
import type { Resource } from './resource.ts';

/**
 * Whether the tokens of a resource can be made as it says: encrypted ones need a key, and nothing is sent in clear
 * instead where there is none.
 */
export const formatError = ({
  format,
  encryptionKey,
}: Pick<Resource, 'format' | 'encryptionKey'>): ErrorId | undefined =>
  format === 'jwe' && encryptionKey === undefined ? 'encryption_key_missing' : undefined;
