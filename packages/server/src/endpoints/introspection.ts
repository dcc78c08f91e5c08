import { accessTokenEnd, loadAccessTokenFacts } from '@latchkey/domain/tokens/access-token-life';
import type { Introspection } from '@latchkey/protocol/claims';
import { LIMITS } from '@latchkey/protocol/limits';
import { fail, ok } from '@latchkey/protocol/result';
import { readForm } from '../http/body.ts';
import { json } from '../http/headers.ts';
import { readOwnAccessToken } from '../prove/own-token.ts';
import { proveResourceServer } from '../prove/resource-server.ts';
import type { Answer, Endpoint, Server } from '../server.ts';

/**
 * Introspection, for resource servers, each about tokens for itself. Whatever is wrong with a token, the answer is the
 * same: it is not active.
 *
 * @spec RFC 7662 §2
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
    const { audience, tokenType } = caller.value.resource;
    return ok(json(await introspect(token, audience, tokenType, server)));
  },
};

async function introspect(
  token: string,
  audience: string,
  typ: 'at+jwt' | 'JWT',
  server: Server,
): Promise<Introspection> {
  const claims = await readOwnAccessToken(token, { audience, typ }, server);
  if (!claims.ok) return { active: false };
  const moment = await server.store.read.moment();
  const facts = await loadAccessTokenFacts(server.store.read, claims.value, moment);
  if (accessTokenEnd(facts, claims.value, moment) !== undefined) return { active: false };
  return { ...claims.value, active: true, token_type: 'Bearer' };
}
