import { reachable } from '@latchkey/domain/authorization/assurance';
import { DURATIONS } from '@latchkey/protocol/limits';
import { ok } from '@latchkey/protocol/result';
import { serverMetadata } from '@latchkey/protocol/server-metadata';
import { ISSUER_SCOPES } from '../bootstrap.ts';
import { assuranceOf } from '../login/assurance.ts';
import type { Answer, Call, Endpoint, Server } from '../server.ts';

const METADATA = {
  method: 'GET',
  credentials: ['none'],
  wording: 'problem',
  cors: 'any',
  bodyMax: 0,
  async answer(_call: Call, server: Server): Promise<Answer> {
    const headers = {
      'content-type': 'application/json',
      'cache-control': `public, max-age=${DURATIONS.keySetMaxAge}`,
      'x-content-type-options': 'nosniff',
    };
    const { issuer } = server.settings;
    const { catalogue } = await server.store.read.moment();
    const { jwks } = await server.keys.at(catalogue);
    const signingAlgorithms = [...new Set(jwks.keys.map(({ alg }) => alg))].sort();
    const known = { scopes: ISSUER_SCOPES, signingAlgorithms, acrValues: reachable(assuranceOf(server)) };
    return ok(new Response(JSON.stringify(serverMetadata(issuer, known)), { headers }));
  },
} as const;

/** Authorization server metadata. @spec RFC 8414 §3 */
export const metadata: Endpoint = {
  ...METADATA,
  path: '/.well-known/oauth-authorization-server',
  summary: 'What this server is and where its endpoints are.',
};

/** The same document for clients of OpenID Connect. @spec OIDC Discovery §4 */
export const openidConfiguration: Endpoint = {
  ...METADATA,
  path: '/.well-known/openid-configuration',
  summary: 'The same, where clients of OpenID Connect look for it.',
};
