import type { Resource } from '@latchkey/domain/clients/resource';
import type { Introspection } from '@latchkey/protocol/claims';
import { LIMITS } from '@latchkey/protocol/limits';
import { fail, ok } from '@latchkey/protocol/result';
import { seconds } from '@latchkey/protocol/types';
import { encodeIntrospection, INTROSPECTION_TYPE } from '@latchkey/tokens/formats/introspection-jwt';
import { prefers } from '../http/accept.ts';
import { readForm } from '../http/body.ts';
import { json, NO_STORE } from '../http/headers.ts';
import { proveCredential } from '../prove/credential.ts';
import { proveResourceServer } from '../prove/resource-server.ts';
import type { Answer, Endpoint, Server } from '../server.ts';

/**
 * Introspection, for resource servers, each about tokens for itself. Whatever is wrong with a token, the answer is the
 * same: it is not active.
 *
 * @spec RFC 7662 §2, RFC 9701 §4
 */
export const introspection: Endpoint = {
  method: 'POST',
  path: '/oauth/introspect',
  summary: 'Tells a resource server whether an access token for it is active.',
  credentials: ['resource_server'],
  wording: 'oauth',
  cors: 'none',
  bodyMax: LIMITS.bodyBytesMax,
  async answer(call, server): Promise<Answer> {
    const form = await readForm(call.request, introspection.bodyMax);
    if (!form.ok) return form;
    const caller = await proveResourceServer(call, server);
    if (!caller.ok) return caller;
    if (caller.value === undefined) return fail({ error: 'introspection_not_allowed' });
    const token = form.value.get('token');
    if (token === undefined) return fail({ error: 'parameter_missing', detail: 'token is missing.' });
    const { resource } = caller.value;
    const context = { instance: form.value.get('instance'), isStrict: form.value.get('strict') === 'true' };
    const proved = await proveCredential(token, resource, server, context);
    const told: Introspection = proved.ok ? proved.value : { active: false };
    const isSigned = prefers(call.request.headers.get('accept'), MEDIA_TYPE, 'application/json');
    return ok(isSigned ? await signed(told, resource, server) : json(told));
  },
};

const MEDIA_TYPE = `application/${INTROSPECTION_TYPE}`;

/** The same answer, for a resource server that wants to show it to others. @spec RFC 9701 §4, §5 */
async function signed(introspection: Introspection, { audience, algorithm }: Resource, server: Server) {
  const { now, catalogue } = await server.store.read.moment();
  const signer = (await server.keys.at(catalogue)).signer(algorithm === 'HS256' ? 'ES256' : algorithm);
  const answer = { iss: server.settings.issuer, aud: audience, iat: seconds(now), introspection };
  const headers = { 'content-type': MEDIA_TYPE, 'x-content-type-options': 'nosniff', ...NO_STORE };
  return new Response(encodeIntrospection(answer, signer), { headers });
}
