import type { Context, MiddlewareHandler } from 'hono';
import type { Access } from '../access.ts';
import { joinedVary } from '../caching.ts';
import type { Requirements } from '../guards.ts';
import type { Verifier } from '../verifier.ts';

/** What a Hono app declares to have `context.get('access')` typed: `new Hono<LatchkeyEnv>()`. */
export interface LatchkeyEnv {
  Variables: { access: Access };
}

/** What of a request Hono cannot tell by itself. */
export interface HonoOptions {
  /** The address of the client; by default the peer of the socket, where Hono runs on Node. */
  readonly address?: (context: Context<LatchkeyEnv>) => string | undefined;
}

/** What `@hono/node-server` gives a context. */
interface NodeBindings {
  readonly incoming?: { readonly socket?: { readonly remoteAddress?: string } };
}

const peerOf = ({ env }: Context<LatchkeyEnv>): string | undefined =>
  (env as NodeBindings | undefined)?.incoming?.socket?.remoteAddress;

/**
 * Middleware for Hono: the handlers behind it see `context.get('access')`. Preflights of CORS carry no token: put the
 * middleware that answers them before this one.
 */
export const protect =
  (
    verifier: Verifier,
    asked: Requirements = {},
    { address = peerOf }: HonoOptions = {},
  ): MiddlewareHandler<LatchkeyEnv> =>
  async (context, next) => {
    const { method, headers } = context.req.raw;
    const header = (name: string) => headers.get(name) ?? undefined;
    const result = await verifier.authenticate({ method, header, address: address(context) }, asked);
    if (!result.ok) {
      const { status, headers: fields, body } = result.error;
      const text = JSON.stringify(body);
      return new Response(text, { status, headers: { ...fields, 'content-length': String(text.length) } });
    }
    context.set('access', result.value);
    await next();
    for (const [name, value] of Object.entries(result.value.headers ?? {})) context.header(name, value);
    const { cacheControl } = verifier.caching;
    if (!context.res.headers.has('cache-control')) context.header('cache-control', cacheControl);
    context.header('vary', joinedVary(context.res.headers.get('vary') ?? undefined, verifier.caching));
    return undefined;
  };
