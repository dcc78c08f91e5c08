import type { ProvedClient } from '@latchkey/domain/clients/client';
import { LIMITS } from '@latchkey/protocol/limits';
import type { Parameters } from '@latchkey/protocol/parameters';
import { fail, ok, type Result } from '@latchkey/protocol/result';
import {
  ACCESS_TOKEN_TYPE,
  parseTokenRequest,
  TOKEN_EXCHANGE,
  type TokenRequest,
} from '@latchkey/protocol/token-request';
import { redeemCode } from '../grants/authorization-code.ts';
import { clientCredentials } from '../grants/client-credentials.ts';
import { exchangeApiKey } from '../grants/exchange-api-key.ts';
import { readRefreshToken, refreshTokens } from '../grants/refresh.ts';
import { readForm } from '../http/body.ts';
import { json } from '../http/headers.ts';
import { type MintedTokens, tokenResponse } from '../mint/token-response.ts';
import { proveClient } from '../prove/client.ts';
import type { Answer, Call, Endpoint, Refusal, Server } from '../server.ts';

/**
 * The token endpoint. Who exchanges an API key need not be a client: the key says who asks.
 *
 * @spec RFC 6749 §3.2, RFC 8693 §2.1
 */
export const token: Endpoint = {
  method: 'POST',
  path: '/oauth/token',
  summary: 'Issues tokens: authorization_code, client_credentials, refresh_token, and API keys in exchange.',
  credentials: ['client', 'public_client', 'refresh_token', 'authorization_code', 'api_key'],
  wording: 'oauth',
  cors: 'registered',
  bodyMax: LIMITS.bodyBytesMax,
  async answer(call, server): Promise<Answer> {
    const form = await readForm(call.request, token.bodyMax);
    if (!form.ok) return form;
    const client = isKeyAlone(form.value, call) ? ok(undefined) : await proveClient(call, form.value, server);
    if (!client.ok) return client;
    const about = client.value === undefined ? {} : { client: client.value.id };
    const request = parseTokenRequest(form.value);
    if (!request.ok) return fail({ error: request.error, about });
    const { grantType } = request.value;
    if (client.value !== undefined && !client.value.grantTypes.includes(grantType))
      return fail({ error: 'grant_type_not_allowed', about });
    const minted = await grant(client.value, request.value, call, server);
    if (!minted.ok) return minted;
    const issued = grantType === TOKEN_EXCHANGE ? { issued_token_type: ACCESS_TOKEN_TYPE } : {};
    return ok(json({ ...tokenResponse(minted.value), ...issued }));
  },
};

/** Whether a key is to be exchanged by somebody who does not say, in any way, which client they are. */
const isKeyAlone = (form: Parameters, { request, url }: Call): boolean =>
  form.get('grant_type') === TOKEN_EXCHANGE &&
  form.get('client_id') === undefined &&
  form.get('client_secret') === undefined &&
  !request.headers.has('authorization') &&
  !url.searchParams.has('client_secret');

async function grant(
  client: ProvedClient | undefined,
  request: TokenRequest,
  call: Call,
  server: Server,
): Promise<Result<MintedTokens, Refusal>> {
  if (request.grantType === TOKEN_EXCHANGE) return exchangeApiKey(client, request, call, server);
  if (client === undefined) return fail({ error: 'client_authentication_missing' });
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
