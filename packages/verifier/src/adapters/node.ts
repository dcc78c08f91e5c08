import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Access } from '../access.ts';
import { type Caching, joinedVary } from '../caching.ts';
import type { Rejection } from '../challenge.ts';
import type { Requirements } from '../guards.ts';
import type { RequestLike } from '../request.ts';
import type { Verifier } from '../verifier.ts';

/**
 * A Node request, as the verifier sees it. Node drops a second `Authorization` header; here it counts as malformed.
 * Read from the raw headers, which requests of HTTP/2 and of Fastify's `inject` have, too.
 */
export const requestLikeOf = (
  { method = 'GET', rawHeaders }: Pick<IncomingMessage, 'method' | 'rawHeaders'>,
  address?: string,
): RequestLike => ({
  method,
  address,
  header: (name) => rawHeader(rawHeaders, name) ?? (name === 'host' ? rawHeader(rawHeaders, ':authority') : undefined),
});

function rawHeader(raw: readonly string[], name: string): string | undefined {
  const values = raw.filter((_, index) => index % 2 === 1 && raw[index - 1]?.toLowerCase() === name);
  return values.length === 0 ? undefined : values.join(name === 'cookie' ? '; ' : ', ');
}

/** Sends a refusal. */
export function sendRejection(response: ServerResponse, { status, headers, body }: Rejection): void {
  const text = JSON.stringify(body);
  response.writeHead(status, { ...headers, 'content-length': text.length }).end(text);
}

/** Tells caches, unless the app has done so, that the answer is for this caller only; and the caller, its limits. */
export function setHeaders(response: ServerResponse, caching: Caching, { headers = {} }: Access): void {
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
  if (!response.hasHeader('cache-control')) response.setHeader('cache-control', caching.cacheControl);
  response.setHeader('vary', joinedVary(response.getHeader('vary')?.toString(), caching));
}

/** A handler that is called only with an access that was granted. */
export type ProtectedHandler = (
  request: IncomingMessage & { readonly access: Access },
  response: ServerResponse,
) => void;

/** Protects a handler of `node:http`. Preflights of CORS carry no token: answer them before. */
export const protect =
  (verifier: Verifier, asked: Requirements, handler: ProtectedHandler) =>
  async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const result = await verifier.authenticate(requestLikeOf(request, request.socket?.remoteAddress), asked);
    if (!result.ok) return sendRejection(response, result.error);
    setHeaders(response, verifier.caching, result.value);
    handler(Object.assign(request, { access: result.value }), response);
  };
