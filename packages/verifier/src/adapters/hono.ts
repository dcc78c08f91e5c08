import type { MiddlewareHandler } from 'hono';
import type { Access } from '../access.ts';
import type { Requirements } from '../guards.ts';
import type { Verifier } from '../verifier.ts';

/** What a Hono app declares to have `context.get('access')` typed: `new Hono<LatchkeyEnv>()`. */
export interface LatchkeyEnv {
  Variables: { access: Access };
}

/** Middleware for Hono: the handlers behind it see `context.get('access')`. */
export const protect =
  (verifier: Verifier, asked: Requirements = {}): MiddlewareHandler<LatchkeyEnv> =>
  async (context, next) => {
    const { method, headers } = context.req.raw;
    const result = await verifier.authenticate({ method, header: (name) => headers.get(name) ?? undefined }, asked);
    if (!result.ok) {
      const { status, headers: fields, body } = result.error;
      return new Response(JSON.stringify(body), { status, headers: { ...fields } });
    }
    context.set('access', result.value);
    await next();
    return undefined;
  };
