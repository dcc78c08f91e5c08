import type { ErrorId } from '@latchkey/protocol/errors';
import type { Resource } from './resource.ts';

type Said = Pick<Resource, 'format' | 'encryptionKey' | 'algorithm' | 'hasStatusList'>;

/**
 * Whether the tokens of a resource can be made as it says: encrypted ones need a key, and nothing is sent in clear
 * instead where there is none. A place in a status list is for whoever reads a token without asking the server: nobody
 * reads an opaque one, and one under a shared secret is believed by its own API alone.
 *
 * @returns `encryption_key_missing`, `status_list_unsupported`
 */
export function formatError({ format, encryptionKey, algorithm, hasStatusList }: Said): ErrorId | undefined {
  if (format === 'jwe' && encryptionKey === undefined) return 'encryption_key_missing';
  const isReadByOthers = format !== 'opaque' && algorithm !== 'HS256';
  return hasStatusList && !isReadByOthers ? 'status_list_unsupported' : undefined;
}
