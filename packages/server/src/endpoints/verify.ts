import type { Resource } from '@latchkey/domain/clients/resource';
import type { ActiveIntrospection } from '@latchkey/protocol/claims';
import { forwardedAddress } from '@latchkey/protocol/client-address';
import type { ErrorId } from '@latchkey/protocol/errors';
import { makeId, parseId } from '@latchkey/protocol/ids';
import { LIMITS } from '@latchkey/protocol/limits';
import { isInNetworks } from '@latchkey/protocol/network';
import { fail, ok, type Result } from '@latchkey/protocol/result';
import { type EpochSeconds, seconds } from '@latchkey/protocol/types';
import { accessOf } from '@latchkey/verifier/internal/access';
import { type Rejection, rejectionOf } from '@latchkey/verifier/internal/challenge';
import { formOf } from '@latchkey/verifier/internal/credential';
import {
  API_KEY_HEADER,
  answerForwardAuth,
  type ForwardAuthority,
  readForwardAuth,
} from '@latchkey/verifier/internal/forward-auth';
import { guardError, type Requirements } from '@latchkey/verifier/internal/guards';
import { presentedToken } from '@latchkey/verifier/internal/presented-token';
import { aboutOf } from '@latchkey/verifier/internal/refusals';
import type { RequestLike } from '@latchkey/verifier/internal/request';
import { NO_STORE } from '../http/headers.ts';
import { rememberRefusal } from '../http/refusal.ts';
import { proveCredential } from '../prove/credential.ts';
import type { Answer, Call, Endpoint, Refusal, Server } from '../server.ts';

/**
 * Forward-auth: a proxy asks whether a request may pass to an API that knows nothing of Latchkey. Decided by the rows, in
 * the request; answered as the API's own verifier would, and where it may pass, with an assertion of whose request it is.
 * Only named proxies are answered: whoever else could ask would learn which tokens are good.
 */
export const verify: Endpoint = {
  method: 'GET',
  path: '/verify/:resource',
  reach: 'any_method_below',
  summary: 'Tells a named proxy whether a request may pass to an API, by any method; see docs/guides/gateway.md.',
  credentials: ['access_token_api', 'opaque_token', 'api_key'],
  wording: 'oauth',
  cors: 'none',
  bodyMax: 0,
  async answer(call, server): Promise<Answer> {
    if (!call.isFromProxy) return refusePeer(call, server);
    const header: RequestLike['header'] = (name) => call.request.headers.get(name) ?? undefined;
    const asked = readForwardAuth({
      method: call.request.method,
      target: targetOf(call),
      header,
      address: forwardedAddress(header('x-forwarded-for'), (one) => server.settings.trustedProxies.includes(one)),
    });
    if (!asked.ok) return fail({ error: asked.error });
    const resourceId = parseId('res', asked.value.resource ?? '');
    const resource = resourceId === undefined ? undefined : await server.store.read.resourceById(resourceId);
    if (resource === undefined) return fail({ error: 'path_unknown' });

    const { status, headers, body } = await answerForwardAuth(asked.value, await authorityOf(resource, call, server));
    const said = body === undefined ? null : JSON.stringify(body);
    return ok(
      new Response(said, { status, headers: { ...NO_STORE, 'x-content-type-options': 'nosniff', ...headers } }),
    );
  },
};

/** Whoever calls may be anybody, so that what to do about it stands in the log and not in the answer. */
function refusePeer({ address }: Call, { log }: Server): Answer {
  const mend = 'Name the address of the proxy in the setting trustedProxies.';
  log.warn('forward-auth was asked by nobody who is named', { address, mend });
  return fail({ error: 'forward_peer_not_named' });
}

/** A URL that was parsed hides which path was sent: where there is nothing else, headers must say it. */
const targetOf = ({ target, params, url: { search } }: Call): string => target ?? `/verify/${params.resource}${search}`;

/** Decides about requests to one resource. */
async function authorityOf(resource: Resource, call: Call, server: Server): Promise<ForwardAuthority> {
  const { audience } = resource;
  const { catalogue, now } = await server.store.read.moment();
  const keys = await server.keys.at(catalogue);
  return {
    async authenticate(request, asked) {
      const presented = presentedToken(request, true, API_KEY_HEADER);
      if (!presented.ok) return fail(rejection({ error: presented.error }, asked));
      const text = presented.value;
      const admits = (allowed: ActiveIntrospection) => admissionError(allowed, request, asked, seconds(now));
      const allowed = await allowedBy(text, resource, server, admits);
      if (!allowed.ok) {
        const about = { ...aboutOf(allowed.error.error, undefined, text), ...allowed.error.about };
        return fail(rejection({ ...allowed.error, about }, asked, wordedFor(text, allowed.error.error)));
      }
      const access = accessOf(allowed.value);
      const error = admits(allowed.value);
      return error === undefined ? ok(access) : fail(rejection({ error, about: aboutOf(error, access, text) }, asked));
    },
    reject: (error, asked) => rejection({ error }, asked),
    assertor: () => ({
      issuer: server.settings.issuer,
      audience,
      jti: makeId('tok', server.now(), server.entropy(10)),
      now: seconds(now),
    }),
    signer: keys.signer('ES256'),
  };

  function rejection(refusal: Refusal, asked: Requirements, worded = refusal.error): Rejection {
    const errorId = rememberRefusal(refusal, verify, call, server);
    const said = rejectionOf(worded, errorId, audience, asked);
    return { ...said, headers: { ...said.headers, ...refusal.headers } };
  }
}

/** What the API’s own verifier must ask about is not active there, whatever is the cause. */
const wordedFor = (text: string, error: ErrorId): ErrorId =>
  error === 'token_expired' && formOf(text) !== 'jwt' ? 'token_inactive' : error;

/** What a credential allows by the rows of this moment. This one use of it is counted, if the request is admitted. */
async function allowedBy(
  text: string,
  resource: Resource,
  server: Server,
  admits: (allowed: ActiveIntrospection) => ErrorId | undefined,
): Promise<Result<ActiveIntrospection, Refusal>> {
  if (text.length > LIMITS.tokenMax) return fail({ error: 'token_too_large' });
  return proveCredential(text, resource, server, { instance: undefined, isStrict: true, admits });
}

/** What keeps out a good credential: from where it comes, the proof that nobody looks at here, what the proxy asks for. */
function admissionError(
  allowed: ActiveIntrospection,
  { address }: RequestLike,
  asked: Requirements,
  now: EpochSeconds,
): ErrorId | undefined {
  const networks = networksOf(allowed.terms);
  if (networks.length > 0 && !isInNetworks(address, networks)) return 'api_key_network_refused';
  return allowed.cnf === undefined ? guardError(accessOf(allowed), asked, now) : 'token_sender_unproved';
}

/** From where an API key may be used; empty for anywhere. */
const networksOf = (terms: unknown): readonly string[] =>
  typeof terms === 'object' && terms !== null && 'networks' in terms && Array.isArray(terms.networks)
    ? terms.networks
    : [];
