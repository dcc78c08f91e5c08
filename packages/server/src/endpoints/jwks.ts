import { DURATIONS } from '@latchkey/protocol/limits';
import { ok } from '@latchkey/protocol/result';
import type { Endpoint } from '../server.ts';

/** The key set. @spec RFC 7517 §5 */
export const jwks: Endpoint = {
  method: 'GET',
  path: '/.well-known/jwks.json',
  summary: 'The public keys that verify access tokens.',
  credentials: ['none'],
  wording: 'problem',
  cors: 'any',
  bodyMax: 0,
  async answer(_call, server) {
    const { catalogue } = await server.store.read.moment();
    const keys = await server.keys.at(catalogue);
    return ok(
      new Response(JSON.stringify(keys.jwks), {
        headers: {
          'content-type': 'application/jwk-set+json',
          'cache-control': `public, max-age=${DURATIONS.keySetMaxAge}`,
          'x-content-type-options': 'nosniff',
        },
      }),
    );
  },
};
