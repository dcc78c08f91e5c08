import { StoreUnavailable } from '@latchkey/domain/ports/store';
import { clientAddress, type IsProxy, plainAddress } from '@latchkey/protocol/client-address';
import { type Context, Hono } from 'hono';
import type { Call, Endpoint, Refusal, Server } from '../server.ts';
import { corsHeaders, createRegisteredOrigins, preflightHeaders, type RegisteredOrigins } from './cors.ts';
import { renderRefusal } from './refusal.ts';

/** What the transport knows of a request beside the request. */
export interface Transport {
  /** The address of the other end of the connection. */
  readonly remote?: string | undefined;
  /** The target of the request line, to the letter: a URL that was parsed has lost its dot segments. */
  readonly target?: string | undefined;
}

type Env = { readonly Bindings: Transport };

/** The HTTP face of a server. */
export interface App {
  /** Answers every request. */
  handle(request: Request, transport: Transport): Promise<Response>;
  /** Answers what is under the issuer's path; undefined for a path that is none of ours. */
  handleOwn(request: Request, transport: Transport): Promise<Response | undefined>;
}

/** For refusals that belong to no endpoint. */
const NOWHERE: Endpoint = {
  method: 'GET',
  path: '*',
  summary: '',
  credentials: [],
  wording: 'problem',
  cors: 'none',
  bodyMax: 0,
  answer: () => Promise.reject(new Error('there is no endpoint here')),
};

/**
 * Makes the router from the route table. Every endpoint stands under the issuer's path; the metadata document stands
 * also where RFC 8414 puts it for an issuer with a path.
 */
export function createApp(server: Server, routes: readonly Endpoint[]): App {
  const base = new URL(server.settings.issuer).pathname.replace(/\/+$/, '');
  const origins = createRegisteredOrigins(server.store);
  const app = new Hono<Env>({ strict: true });

  const byPath = Map.groupBy(routes, ({ path }) => path);
  for (const [path, endpoints] of byPath) {
    for (const place of placesOf(path, base)) {
      const [first] = endpoints;
      if (first?.reach !== undefined) {
        app.all(`${place}/*`, (context) => answer(context, first, server, origins));
        continue;
      }
      for (const endpoint of endpoints)
        app.on(endpoint.method, place, (context) => answer(context, endpoint, server, origins));
      app.all(place, (context) => otherMethod(context, endpoints, server, origins));
    }
  }
  const unknown = new WeakSet<Response>();
  app.notFound(() => {
    const response = new Response(null, { status: 404 });
    unknown.add(response);
    return response;
  });
  app.onError((error, context) => refuse(context, faultRefusal(error, server), NOWHERE, server));

  const isOurs = (request: Request): boolean => {
    const { pathname } = new URL(request.url);
    return base !== '' && (pathname === base || pathname.startsWith(`${base}/`));
  };
  // what a proxy puts behind our path must not lead out of it: another endpoint's 200 would let the request pass
  const leadsAway = (request: Request, { target }: Transport): boolean =>
    isVerifyPath(ownTarget(target, base) ?? '') && !isVerifyPath(ownTarget(new URL(request.url).pathname, base) ?? '');
  const refuseUnknown = (request: Request, transport: Transport): Response =>
    renderRefusal({ error: 'path_unknown' }, NOWHERE, callOf(request, {}, transport, server), server);

  return {
    async handle(request, transport) {
      if (leadsAway(request, transport)) return refuseUnknown(request, transport);
      const response = await app.fetch(request, transport);
      return unknown.has(response) ? refuseUnknown(request, transport) : response;
    },
    async handleOwn(request, transport) {
      if (leadsAway(request, transport)) return refuseUnknown(request, transport);
      const response = await app.fetch(request, transport);
      if (!unknown.has(response)) return response;
      return isOurs(request) ? refuseUnknown(request, transport) : undefined;
    },
  };
}

/** The path and query of a target that are under the issuer's path; undefined where it is elsewhere or unknown. */
function ownTarget(target: string | undefined, base: string): string | undefined {
  const inOriginForm = target?.replace(/^https?:\/\/[^/?#]*/i, '');
  return inOriginForm?.startsWith(base) === true ? inOriginForm.slice(base.length) : undefined;
}

const isVerifyPath = (target: string): boolean => target.startsWith('/verify/');

const METADATA_PATHS: readonly string[] = [
  '/.well-known/oauth-authorization-server',
  '/.well-known/openid-configuration',
];

/** @spec RFC 8414 §3, §5 (an issuer's path goes behind the well-known name) */
function placesOf(path: string, base: string): readonly string[] {
  if (base === '') return [path];
  const own = path === '/' ? [base, `${base}/`] : [base + path];
  return METADATA_PATHS.includes(path) ? [...own, path + base] : own;
}

async function answer(
  context: Context<Env>,
  endpoint: Endpoint,
  server: Server,
  origins: RegisteredOrigins,
): Promise<Response> {
  const began = performance.now();
  const request = context.req.raw;
  let response: Response;
  try {
    const call = callIn(context, server);
    const result = await endpoint.answer(call, server);
    response = result.ok ? result.value : renderRefusal(result.error, endpoint, call, server);
  } catch (error) {
    response = refuse(context, faultRefusal(error, server), endpoint, server);
  }
  const origin = request.headers.get('origin');
  if (origin !== null)
    for (const [name, value] of Object.entries(await corsHeaders(endpoint, origin, origins)))
      response.headers.set(name, value);
  const route = `${endpoint.method} ${endpoint.path}`;
  server.metrics.count('latchkey_requests_total', { route, status: String(response.status) });
  server.metrics.observe('latchkey_request_seconds', (performance.now() - began) / 1000, { route });
  return response;
}

function callOf(
  request: Request,
  params: Readonly<Record<string, string>>,
  { remote, target }: Transport,
  { settings }: Server,
): Call {
  const forwarded = request.headers.get('x-forwarded-for');
  const base = new URL(settings.issuer).pathname.replace(/\/+$/, '');
  const isProxy: IsProxy = (address) => settings.trustedProxies.includes(address);
  return {
    request,
    url: new URL(request.url),
    params,
    address: clientAddress(remote, forwarded, isProxy),
    isFromProxy: remote !== undefined && isProxy(plainAddress(remote)),
    target: ownTarget(target, base),
  };
}

const callIn = (context: Context<Env>, server: Server): Call =>
  callOf(context.req.raw, context.req.param() as Readonly<Record<string, string>>, context.env, server);

const refuse = (context: Context<Env>, refusal: Refusal, endpoint: Endpoint, server: Server): Response =>
  renderRefusal(refusal, endpoint, callIn(context, server), server);

/** A throw is a fault of ours: it is told as one, with nothing of what went wrong in it. */
function faultRefusal(error: unknown, server: Server): Refusal {
  const kind = error instanceof StoreUnavailable ? 'storage_unavailable' : 'server_error';
  server.metrics.count('latchkey_faults_total', { kind });
  server.log.error('fault', { kind, error });
  return { error: kind };
}

/** A preflight, HEAD, or a method that the path does not take. */
async function otherMethod(
  context: Context<Env>,
  endpoints: readonly Endpoint[],
  server: Server,
  origins: RegisteredOrigins,
): Promise<Response> {
  const methods = endpoints.map(({ method }) => method);
  const [first] = endpoints;
  if (first === undefined) throw new Error('a path without endpoints');
  const { method } = context.req;
  const get = endpoints.find((endpoint) => endpoint.method === 'GET');
  if (method === 'HEAD' && get !== undefined) {
    const full = await answer(context, get, server, origins);
    await full.body?.cancel();
    return new Response(null, { status: full.status, headers: full.headers });
  }
  if (method === 'OPTIONS' && first.cors !== 'none') {
    const allowed = await corsHeaders(first, context.req.header('origin') ?? null, origins);
    const isAllowed = 'access-control-allow-origin' in allowed;
    return new Response(null, {
      status: 204,
      headers: { ...allowed, ...(isAllowed ? preflightHeaders(methods) : {}) },
    });
  }
  return refuse(context, { error: 'method_not_allowed', headers: { allow: methods.join(', ') } }, first, server);
}
