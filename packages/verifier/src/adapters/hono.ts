import type { MiddlewareHandler } from 'hono';
import type { Access } from '../access.ts';
import { joinedVary } from '../caching.ts';
import type { Requirements } from '../guards.ts';
import type { Verifier } from '../verifier.ts';

/** What a Hono app declares to have `context.get('access')` typed: `new Hono<LatchkeyEnv>()`. */
export interface LatchkeyEnv {
  Variables: { access: Access };
}

/**
 * Middleware for Hono: the handlers behind it see `context.get('access')`. Preflights of CORS carry no token: put the
 * middleware that answers them before this one.
 */
export const protect =
  (verifier: Verifier, asked: Requirements = {}): MiddlewareHandler<LatchkeyEnv> =>
  async (context, next) => {
    const { method, headers } = context.req.raw;
    const result = await verifier.authenticate({ method, header: (name) => headers.get(name) ?? undefined }, asked);
    if (!result.ok) {
      const { status, headers: fields, body } = result.error;
      const text = JSON.stringify(body);
      return new Response(text, { status, headers: { ...fields, 'content-length': String(text.length) } });
    }
    context.set('access', result.value);
    await next();
    const { cacheControl } = verifier.caching;
    if (!context.res.headers.has('cache-control')) context.header('cache-control', cacheControl);
    context.header('vary', joinedVary(context.res.headers.get('vary') ?? undefined, verifier.caching));
    return undefined;
  };
