import type { AccessTokenClaims, RevocationEvent } from '@latchkey/protocol/claims';
import type { PublicJwk } from '@latchkey/protocol/jwk';
import { encodeAccessToken } from '@latchkey/tokens/formats/access-token-jwt';
import { type GeneratedKey, generateSigningKey } from '@latchkey/tokens/keys/generate';
import { importSigner } from '@latchkey/tokens/keys/node-crypto';

export const STUB_ISSUER = 'https://as.example';
export const STUB_AUDIENCE = 'https://api.example';

/** How the stub answers one of its paths. */
type Handler = (request: Request) => Response | Promise<Response>;

/**
 * An issuer that does as a test says. A real server shows a verifier its good days; this one has the bad ones: it lies,
 * falls silent, sends what nobody understands, and all of it when the test wants it.
 */
export interface StubIssuer {
  /** What a verifier is given to reach it. */
  readonly fetch: typeof globalThis.fetch;
  /** The paths that were asked for, in order. */
  readonly asked: readonly string[];
  /** The requests for streams of the feed, in order. */
  readonly streams: readonly StubStream[];
  /** Answers a path in another way from now on; in its own without a handler. */
  on(path: string, handler?: Handler): void;
  /** A token that is good at this time, but for these changes. */
  mint(at: number, change?: object, key?: GeneratedKey): string;
  /** What introspection says of a text from now on: the claims of a good token but for these changes; no without them. */
  say(text: string, at: number, change?: object): void;
  sayNo(text: string): void;
  /** The forms of the introspections that were asked for, in order. */
  readonly questions: readonly Readonly<Record<string, string>>[];
  readonly key: GeneratedKey;
  /** What the key set holds. */
  publish(...keys: readonly PublicJwk[]): void;
  asks(path: string): number;
}

/** One connection to the feed. */
export interface StubStream {
  readonly request: Request;
  send(text: string): Promise<void>;
  emit(event: Partial<RevocationEvent> & Pick<RevocationEvent, 'kind' | 'id'>): Promise<void>;
  beat(asOf: number, cursor?: string): Promise<void>;
  end(): Promise<void>;
  readonly isOpen: boolean;
}

/** Lets everything happen that waits for nothing but its turn. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
}

export const json = (body: unknown, status = 200): Response => Response.json(body, { status });

const METADATA = '/.well-known/oauth-authorization-server';

export async function createStubIssuer(): Promise<StubIssuer> {
  const key = await generateSigningKey('ES256');
  const asked: string[] = [];
  const answers = new Map<string, object>();
  const questions: Record<string, string>[] = [];
  const streams: StubStream[] = [];
  let published: readonly PublicJwk[] = [key.jwk];
  const own: Readonly<Record<string, Handler>> = {
    [METADATA]: () =>
      json({
        issuer: STUB_ISSUER,
        jwks_uri: `${STUB_ISSUER}/jwks.json`,
        introspection_endpoint: `${STUB_ISSUER}/introspect`,
      }),
    '/jwks.json': () => json({ keys: published }),
    '/revocations': (request) => {
      const { stream, response } = openStream(request);
      streams.push(stream);
      return response;
    },
    '/introspect': async (request) => {
      const form = new URLSearchParams(await request.text());
      questions.push(Object.fromEntries(form));
      const text = form.get('token') ?? '';
      return json(answers.get(text) ?? { active: !text.startsWith('lk_') });
    },
    '/reports': () => new Response(null, { status: 204 }),
  };
  const others = new Map<string, Handler>();
  return {
    asked,
    streams,
    key,
    questions,
    say(text, at, change = {}) {
      answers.set(text, { active: true, token_type: 'Bearer', ...goodClaims(at), ...change });
    },
    sayNo(text) {
      answers.delete(text);
    },
    async fetch(input, init) {
      const request = new Request(input, init);
      const { pathname } = new URL(request.url);
      asked.push(pathname);
      const handler = others.get(pathname) ?? own[pathname];
      if (handler === undefined) throw new TypeError(`the stub has no ${pathname}`);
      return handler(request);
    },
    on(path, handler) {
      if (handler === undefined) others.delete(path);
      else others.set(path, handler);
    },
    mint(at, change = {}, { jwk, pkcs8 } = key) {
      const claims = { ...goodClaims(at), ...change } as AccessTokenClaims;
      return encodeAccessToken(claims, importSigner(jwk.alg, jwk.kid, pkcs8));
    },
    publish(...keys) {
      published = keys;
    },
    asks: (path) => asked.filter((one) => one === path).length,
  };
}

let minted = 0;

/** Claims of a person's token that is good for five minutes. */
const goodClaims = (at: number) => ({
  iss: STUB_ISSUER,
  sub: 'acc_1',
  aud: STUB_AUDIENCE,
  client_id: 'cli_1',
  jti: `tok_${++minted}`,
  iat: at,
  exp: at + 300,
  pos: '7:100',
  sid: 'ses_1',
  fid: 'fam_1',
  scope: 'read write',
});

function openStream(request: Request): { readonly stream: StubStream; readonly response: Response } {
  const encoder = new TextEncoder();
  let controller: ReadableStreamDefaultController<Uint8Array> | undefined;
  const body = new ReadableStream<Uint8Array>({
    start(made) {
      controller = made;
    },
    cancel() {
      controller = undefined;
    },
  });
  request.signal.addEventListener('abort', () => {
    controller?.error(request.signal.reason);
    controller = undefined;
  });
  async function send(text: string): Promise<void> {
    controller?.enqueue(encoder.encode(text));
    await settle();
  }
  const stream: StubStream = {
    request,
    send,
    emit({ epoch = 7, seq = 101, kind, id, exp }) {
      const event = { epoch, seq, kind, id, exp: exp ?? 4_000_000_000 };
      return send(`event: revocation\nid: ${epoch}:${seq}\ndata: ${JSON.stringify(event)}\n\n`);
    },
    beat: (asOf, cursor = '7:101') => send(`event: heartbeat\ndata: ${JSON.stringify({ asOf, cursor })}\n\n`),
    async end() {
      controller?.close();
      controller = undefined;
      await settle();
    },
    get isOpen() {
      return controller !== undefined;
    },
  };
  return { stream, response: new Response(body, { headers: { 'content-type': 'text/event-stream' } }) };
}
