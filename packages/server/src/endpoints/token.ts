import type { ProvedClient } from '@latchkey/domain/clients/client';
import { LIMITS } from '@latchkey/protocol/limits';
import { fail, ok, type Result } from '@latchkey/protocol/result';
import { parseTokenRequest, type TokenRequest } from '@latchkey/protocol/token-request';
import { redeemCode } from '../grants/authorization-code.ts';
import { clientCredentials } from '../grants/client-credentials.ts';
import { readRefreshToken, refreshTokens } from '../grants/refresh.ts';
import { readForm } from '../http/body.ts';
import { json } from '../http/headers.ts';
import { type MintedTokens, tokenResponse } from '../mint/token-response.ts';
import { proveClient } from '../prove/client.ts';
import type { Answer, Call, Endpoint, Refusal, Server } from '../server.ts';

/** The token endpoint. @spec RFC 6749 §3.2 */
export const token: Endpoint = {
  method: 'POST',
  path: '/oauth/token',
  summary: 'Issues tokens: authorization_code, client_credentials and refresh_token.',
  credentials: ['client', 'public_client', 'refresh_token', 'authorization_code'],
  wording: 'oauth',
  cors: 'registered',
  bodyMax: LIMITS.bodyBytesMax,
  async answer(call, server): Promise<Answer> {
    const form = await readForm(call.request, token.bodyMax);
    if (!form.ok) return form;
    const client = await proveClient(call, form.value, server);
    if (!client.ok) return client;
    const request = parseTokenRequest(form.value);
    if (!request.ok) return fail({ error: request.error, about: { client: client.value.id } });
    if (!client.value.grantTypes.includes(request.value.grantType))
      return fail({ error: 'grant_type_not_allowed', about: { client: client.value.id } });
    const minted = await grant(client.value, request.value, call, server);
    return minted.ok ? ok(json(tokenResponse(minted.value))) : minted;
  },
};

async function grant(
  client: ProvedClient,
  request: TokenRequest,
  call: Call,
  server: Server,
): Promise<Result<MintedTokens, Refusal>> {
  switch (request.grantType) {
    case 'authorization_code':
      return redeemCode(client, request, server);
    case 'client_credentials':
      return clientCredentials(client, request, server);
    case 'refresh_token': {
      const read = await readRefreshToken(request.refreshToken, call, server);
      if (!read.ok) return read;
      return refreshTokens({ ...request, client, token: read.value, delivery: 'body' }, server);
    }
  }
}
