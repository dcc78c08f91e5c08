import { Buffer } from 'node:buffer';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Access } from '../access.ts';
import { joinedVary } from '../caching.ts';
import type { Requirements } from '../guards.ts';
import type { Verifier } from '../verifier.ts';
import { requestLikeOf } from './node.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** The access that `protect` granted. Behind `protect` it is always there. */
    access: Access;
  }
}

/**
 * A hook for Fastify: `{ preHandler: protect(verifier) }`. Preflights of CORS carry no token: where the hook is for all
 * routes, register what answers them before it. The address of the client is `request.ip`: see the option `trustProxy`.
 */
export const protect =
  (verifier: Verifier, asked: Requirements = {}) =>
  async (request: FastifyRequest, reply: FastifyReply): Promise<unknown> => {
    const result = await verifier.authenticate(requestLikeOf(request.raw, request.ip), asked);
    if (!result.ok) {
      const { status, headers, body } = result.error;
      // as bytes: to text Fastify adds a charset that JSON does not have
      return reply
        .code(status)
        .headers(headers)
        .send(Buffer.from(JSON.stringify(body)));
    }
    const { cacheControl } = verifier.caching;
    if (!reply.hasHeader('cache-control')) reply.header('cache-control', cacheControl);
    reply.header('vary', joinedVary(reply.getHeader('vary')?.toString(), verifier.caching));
    reply.headers({ ...result.value.headers });
    request.access = result.value;
    return undefined;
  };
