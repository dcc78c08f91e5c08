import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Access } from '../access.ts';
import type { Rejection } from '../challenge.ts';
import type { Requirements } from '../guards.ts';
import type { RequestLike } from '../request.ts';
import type { Verifier } from '../verifier.ts';

/** A Node request, as the verifier sees it. Node drops a second `Authorization` header; here it counts as malformed. */
export function requestLikeOf(request: IncomingMessage): RequestLike {
  return {
    method: request.method ?? 'GET',
    header: (name) => request.headersDistinct[name]?.join(name === 'cookie' ? '; ' : ', '),
  };
}

/** Sends a refusal. */
export function sendRejection(response: ServerResponse, { status, headers, body }: Rejection): void {
  response.writeHead(status, headers).end(JSON.stringify(body));
}

/** A handler that is called only with an access that was granted. */
export type ProtectedHandler = (
  request: IncomingMessage & { readonly access: Access },
  response: ServerResponse,
) => void;

/** Protects a handler of `node:http`. */
export const protect =
  (verifier: Verifier, asked: Requirements, handler: ProtectedHandler) =>
  async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const result = await verifier.authenticate(requestLikeOf(request), asked);
    if (!result.ok) return sendRejection(response, result.error);
    handler(Object.assign(request, { access: result.value }), response);
  };
