import { randomBytes } from 'node:crypto';
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { forwardedAddress } from '@latchkey/protocol/client-address';
import type { ErrorId } from '@latchkey/protocol/errors';
import { makeId } from '@latchkey/protocol/ids';
import type { PublicJwk } from '@latchkey/protocol/jwk';
import { LIMITS } from '@latchkey/protocol/limits';
import { fail } from '@latchkey/protocol/result';
import type { EpochMilliseconds, EpochSeconds } from '@latchkey/protocol/types';
import type { Signer } from '@latchkey/tokens/keys/signer';
import type { Rejection, Verifier } from '@latchkey/verifier';
import {
  answerForwardAuth,
  type ForwardAuthAnswer,
  type ForwardAuthority,
  readForwardAuth,
} from '@latchkey/verifier/internal/forward-auth';
import { requestLikeOf } from '@latchkey/verifier/node';
import type { Peers } from './peers.ts';
import type { Tally } from './tally.ts';

/** What a sidecar is made of. */
export interface SidecarParts {
  readonly verifier: Verifier;
  readonly tally: Tally;
  /** The id of the resource whose requests it decides about, and its audience. */
  readonly resource: string;
  readonly audience: string;
  /** The `iss` of its assertions. */
  readonly issuer: () => string;
  readonly key: { readonly jwk: PublicJwk; readonly signer: Signer };
  readonly peers: Peers;
  /** The header of API keys, in lower case, for questions that name none. */
  readonly apiKeyHeader?: string | undefined;
  readonly isReady: () => boolean;
  readonly now: () => number;
  readonly log: { info(event: string, fields?: Readonly<Record<string, unknown>>): void };
}

/** An answer of a place of the sidecar's own. */
interface Said {
  readonly status: number;
  readonly type: string;
  readonly text: string;
  readonly maxAge?: number;
}

/**
 * The verifier as a small process: answers proxies as the server's `/verify` does, from what the feed has told, without
 * a call and without a database.
 */
export function createSidecar(parts: SidecarParts): RequestListener {
  const { verifier, tally, key } = parts;
  const places: Readonly<Record<string, () => Said>> = {
    '/healthz': () => ({ status: 200, type: 'text/plain; charset=utf-8', text: 'ok\n' }),
    '/readyz': () =>
      parts.isReady()
        ? { status: 200, type: 'text/plain; charset=utf-8', text: 'ready\n' }
        : { status: 503, type: 'text/plain; charset=utf-8', text: 'not ready\n' },
    '/metrics': () => ({ status: 200, type: 'text/plain; version=0.0.4', text: tally.render(verifier.status()) }),
    '/.well-known/jwks.json': () => ({
      status: 200,
      type: 'application/jwk-set+json',
      text: JSON.stringify({ keys: [key.jwk] }),
      maxAge: 60,
    }),
  };
  return (request, response) => {
    drainBody(request, response);
    const said = places[request.url ?? ''];
    // how many come, and with what, is for those who may ask; whether it lives and by which key it signs, for all
    const isOpen = request.url !== '/metrics' || parts.peers.mayAsk(request.socket.remoteAddress);
    if (said !== undefined && isOpen) return say(response, request.method ?? '', said());
    verify(request, parts).then(
      (answer) => send(response, answer),
      (error: unknown) => {
        parts.log.info('fault', { error });
        send(response, verifier.reject('server_error'));
      },
    );
  };
}

/** @returns what decides about a request, or the refusal of a call that is none */
async function verify(request: IncomingMessage, parts: SidecarParts): Promise<ForwardAuthAnswer> {
  const { verifier, tally, log } = parts;
  const refuse = (error: ErrorId, more: Readonly<Record<string, unknown>> = {}) => told(verifier.reject(error), more);
  if (!parts.peers.mayAsk(request.socket.remoteAddress))
    return refuse('forward_peer_not_named', { address: request.socket.remoteAddress, mend: 'Name it with --trust.' });
  const target = request.url ?? '';
  if (!/^\/verify(?:[/?]|$)/.test(target)) return refuse('path_unknown');
  const like = requestLikeOf(request);
  const address = forwardedAddress(like.header('x-forwarded-for'), parts.peers.isProxy);
  const asked = readForwardAuth({ ...like, target, address }, parts.apiKeyHeader);
  if (!asked.ok) return refuse(asked.error);
  if (asked.value.resource !== undefined && asked.value.resource !== parts.resource) return refuse('path_unknown');
  const answer = await answerForwardAuth(asked.value, authorityOf(parts, told));
  if (answer.status === 200) tally.count(200, '');
  return answer;

  function told(rejection: Rejection, more: Readonly<Record<string, unknown>> = {}): Rejection {
    const { status, error, errorId } = rejection;
    tally.count(status, error);
    log.info('refused', { error, error_id: errorId, ...more });
    return rejection;
  }
}

const authorityOf = (
  { verifier, audience, issuer, key, now }: SidecarParts,
  told: (rejection: Rejection) => Rejection,
): ForwardAuthority => ({
  async authenticate(request, asked) {
    const result = await verifier.authenticate(request, asked);
    return result.ok ? result : fail(told(result.error));
  },
  reject: (error, asked) => told(verifier.reject(error, asked)),
  assertor: () => ({
    issuer: issuer(),
    audience,
    jti: makeId('tok', now() as EpochMilliseconds, randomBytes(10)),
    now: Math.floor(now() / 1000) as EpochSeconds,
  }),
  signer: key.signer,
});

/** Some proxies send the body along. It is no matter here; one that goes on and on ends with its connection. */
function drainBody(request: IncomingMessage, response: ServerResponse): void {
  let size = 0;
  request.on('data', (chunk: Buffer) => {
    size += chunk.length;
    if (size <= LIMITS.bodyBytesMax || response.destroyed) return;
    request.pause();
    if (response.writableFinished) request.destroy();
    else response.once('finish', () => request.destroy());
  });
}

const NO_STORE = { 'cache-control': 'no-store', pragma: 'no-cache', 'x-content-type-options': 'nosniff' };

function send(response: ServerResponse, { status, headers, body }: ForwardAuthAnswer): void {
  const text = body === undefined ? '' : JSON.stringify(body);
  response.writeHead(status, { ...NO_STORE, ...headers, 'content-length': text.length }).end(text);
}

function say(response: ServerResponse, method: string, { status, type, text, maxAge }: Said): void {
  if (method !== 'GET' && method !== 'HEAD') return void response.writeHead(405, { allow: 'GET, HEAD' }).end();
  const caching = maxAge === undefined ? 'no-store' : `public, max-age=${maxAge}`;
  response
    .writeHead(status, {
      'content-type': type,
      'cache-control': caching,
      'x-content-type-options': 'nosniff',
      'content-length': Buffer.byteLength(text),
    })
    .end(text);
}
