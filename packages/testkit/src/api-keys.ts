import type { ApiKey } from '@latchkey/domain/api-keys/api-key';
import { allow } from '@latchkey/domain/decision';
import { makeId } from '@latchkey/protocol/ids';
import { later } from '@latchkey/protocol/types';
import { secretHash } from '@latchkey/server/prove/secret';
import { encodeApiKey, parseApiKey } from '@latchkey/tokens/formats/api-key';
import type { TestServer } from './test-server.ts';

/** A stored key, and its text. */
export interface ApiKeyWithText {
  readonly row: ApiKey;
  readonly text: string;
}

/** Stores an API key of an owner for a resource. */
export async function addApiKey(
  { server, secrets }: TestServer,
  given: Pick<ApiKey, 'owner' | 'resource'> & Partial<ApiKey>,
): Promise<ApiKeyWithText> {
  const { environment = 'live', id = makeId('key', server.now(), server.entropy(10)) } = given;
  const text = encodeApiKey(id, environment, server.entropy(32));
  const parts = parseApiKey(text);
  if (!parts.ok) throw new Error('the key cannot be made');
  secrets.add('api key', text);
  secrets.add('api key', parts.value.secret);
  const { outcome } = await server.commit(
    () => Promise.resolve(),
    (_, { now, position }) => {
      const key: ApiKey = {
        id,
        version: 1,
        environment,
        name: 'Import',
        scope: ['read', 'write'],
        tenant: undefined,
        networks: [],
        quota: undefined,
        rate: undefined,
        metadata: {},
        secretHash: secretHash(parts.value.secret),
        previous: undefined,
        createdAt: now,
        expiresAt: later(now, 90 * 86_400_000),
        pos: position,
        ended: undefined,
        ...given,
      };
      return allow(key, [{ kind: 'api_key.create', key }]);
    },
  );
  if (!outcome.ok) throw new Error('the key cannot be stored');
  return { row: outcome.value, text };
}
