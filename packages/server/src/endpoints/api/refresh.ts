import { LIMITS } from '@latchkey/protocol/limits';
import { ok } from '@latchkey/protocol/result';
import { z } from 'zod';
import { familyClient } from '../../grants/family-client.ts';
import { refreshTokens } from '../../grants/refresh.ts';
import { csrfToken, loginCookies, withCookies } from '../../http/cookies.ts';
import { json } from '../../http/headers.ts';
import { tokenResponse } from '../../mint/token-response.ts';
import type { Answer, Endpoint } from '../../server.ts';
import { RESOURCE, readFields, resourceOf, SCOPE, text } from './fields.ts';
import { presentedRefreshToken } from './presented.ts';

const REFRESH = z.object({
  refresh_token: text(LIMITS.bodyBytesMax).optional(),
  attempt_id: text(LIMITS.attemptIdMax).optional(),
  resource: RESOURCE,
  scope: SCOPE,
});

/** Refreshes the tokens of a login, the way they were delivered then. @spec RFC 6749 §6 */
export const refresh: Endpoint = {
  method: 'POST',
  path: '/api/refresh',
  summary: 'Exchanges a refresh token, from the body or its cookie, for new tokens.',
  credentials: ['refresh_token', 'refresh_cookie'],
  wording: 'oauth',
  cors: 'first_party',
  bodyMax: LIMITS.bodyBytesMax,
  async answer(call, server): Promise<Answer> {
    const asked = await readFields(call, refresh.bodyMax, REFRESH);
    if (!asked.ok) return asked;
    const resource = resourceOf(asked.value.resource);
    if (!resource.ok) return resource;
    const presented = await presentedRefreshToken(asked.value.refresh_token, call, server);
    if (!presented.ok) return presented;
    const { token, delivery } = presented.value;
    const client = await familyClient(token, server);
    if (!client.ok) return client;
    const minted = await refreshTokens(
      {
        client: client.value,
        token,
        delivery,
        attemptId: asked.value.attempt_id,
        scope: asked.value.scope,
        resources: resource.value === undefined ? [] : [resource.value],
      },
      server,
    );
    if (!minted.ok) return minted;
    if (delivery === 'body') return ok(json(tokenResponse(minted.value)));
    const { familyId, expiresIn, scope } = minted.value;
    const body = { csrf_token: csrfToken(server.csrfKey, familyId), expires_in: expiresIn, scope };
    return ok(withCookies(json(body), loginCookies(minted.value, familyId, server.csrfKey)));
  },
};
