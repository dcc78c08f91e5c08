import { DURATIONS } from '@latchkey/protocol/limits';
import { ok } from '@latchkey/protocol/result';
import { serverMetadata } from '@latchkey/protocol/server-metadata';
import type { Endpoint } from '../server.ts';

/** Authorization server metadata. @spec RFC 8414 §3 */
export const metadata: Endpoint = {
  method: 'GET',
  path: '/.well-known/oauth-authorization-server',
  summary: 'What this server is and where its endpoints are.',
  credentials: ['none'],
  wording: 'problem',
  cors: 'any',
  bodyMax: 0,
  answer(_call, server) {
    const headers = {
      'content-type': 'application/json',
      'cache-control': `public, max-age=${DURATIONS.keySetMaxAge}`,
      'x-content-type-options': 'nosniff',
    };
    return Promise.resolve(ok(new Response(JSON.stringify(serverMetadata(server.settings.issuer)), { headers })));
  },
};
