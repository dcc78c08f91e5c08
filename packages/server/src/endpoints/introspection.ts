import type { Introspection } from '@latchkey/protocol/claims';
import { LIMITS } from '@latchkey/protocol/limits';
import { fail, ok } from '@latchkey/protocol/result';
import { readForm } from '../http/body.ts';
import { json } from '../http/headers.ts';
import { proveCredential } from '../prove/credential.ts';
import { proveResourceServer } from '../prove/resource-server.ts';
import type { Answer, Endpoint } from '../server.ts';

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
    const { resource } = caller.value;
    const context = { instance: form.value.get('instance'), isStrict: form.value.get('strict') === 'true' };
    const proved = await proveCredential(token, resource, server, context);
    const told: Introspection = proved.ok ? proved.value : { active: false };
    return ok(json(told));
  },
};
