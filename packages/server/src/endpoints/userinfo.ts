import { claimsOf } from '@latchkey/protocol/claims-request';
import { parseId } from '@latchkey/protocol/ids';
import { LIMITS } from '@latchkey/protocol/limits';
import { fail, ok } from '@latchkey/protocol/result';
import { readForm } from '../http/body.ts';
import { json } from '../http/headers.ts';
import { identityClaims } from '../mint/identity-claims.ts';
import { proveAccessToken } from '../prove/access-token.ts';
import type { Answer, Call, Endpoint, Server } from '../server.ts';

const USERINFO = {
  path: '/oauth/userinfo',
  credentials: ['access_token_openid'],
  wording: 'bearer',
  cors: 'registered',
} as const;

/** Who the person behind an access token is. @spec OIDC Core §5.3 */
export const userinfo: Endpoint = {
  ...USERINFO,
  method: 'GET',
  summary: 'The claims about the person that an access token stands for.',
  bodyMax: 0,
  answer: (call, server) => answer(call, undefined, server),
};

/** The same by POST; the token may stand in the form, but not in two places. @spec RFC 6750 §2, §2.2 */
export const userinfoByPost: Endpoint = {
  ...USERINFO,
  method: 'POST',
  summary: 'The same, where the access token may stand in a form.',
  bodyMax: LIMITS.bodyBytesMax,
  async answer(call, server): Promise<Answer> {
    const { headers } = call.request;
    if (!headers.has('content-type') && !hasBody(headers)) return answer(call, undefined, server);
    const form = await readForm(call.request, userinfoByPost.bodyMax);
    if (!form.ok) return form;
    const inBody = form.value.get('access_token');
    if (inBody !== undefined && headers.has('authorization')) return fail({ error: 'authorization_malformed' });
    return answer(call, inBody, server);
  },
};

const hasBody = (headers: Headers): boolean =>
  headers.has('transfer-encoding') || Number(headers.get('content-length') ?? 0) > 0;

/** @returns what `proveAccessToken` refuses, and `token_claims_invalid` for the token of a machine */
async function answer(call: Call, inBody: string | undefined, server: Server): Promise<Answer> {
  const asked = { audience: server.settings.issuer, scope: ['openid'] };
  const claims = await proveAccessToken(call, server, asked, inBody);
  if (!claims.ok) return claims;
  const { sub, scope = '', fid } = claims.value;
  const familyId = parseId('fam', fid ?? '');
  const family = familyId === undefined ? undefined : await server.store.read.family(familyId);
  if (family === undefined) return fail({ error: 'token_claims_invalid', about: { subject: sub } });
  return ok(json({ sub, ...(await identityClaims(family.accountId, claimsOf(scope.split(' ')), server)) }));
}
