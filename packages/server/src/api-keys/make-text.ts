import type { ApiKey } from '@latchkey/domain/api-keys/api-key';
import type { ApiKeyId, Sha256 } from '@latchkey/protocol/types';
import { API_KEY_SECRET_BYTES, encodeApiKey, parseApiKey } from '@latchkey/tokens/formats/api-key';
import { secretHash } from '../prove/secret.ts';
import type { Server } from '../server.ts';

/** The text of a key for the one answer that tells it, and what is stored of its secret. */
export function makeApiKeyText(
  id: ApiKeyId,
  environment: ApiKey['environment'],
  server: Pick<Server, 'entropy'>,
): { readonly text: string; readonly hash: Sha256 } {
  const text = encodeApiKey(id, environment, server.entropy(API_KEY_SECRET_BYTES));
  const parts = parseApiKey(text);
  if (!parts.ok) throw new Error('a key was made that is none');
  return { text, hash: secretHash(parts.value.secret) };
}
