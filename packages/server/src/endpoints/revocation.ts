import { decideGiveBackApiKey } from '@latchkey/domain/api-keys/end-api-key';
import { loadOwnedApiKey } from '@latchkey/domain/api-keys/rotate-api-key';
import type { ProvedClient } from '@latchkey/domain/clients/client';
import {
  decideRevokeAccessToken,
  decideRevokeRefreshToken,
  loadRevokeAccessToken,
  loadRevokeRefreshToken,
} from '@latchkey/domain/tokens/revocation';
import { LIMITS } from '@latchkey/protocol/limits';
import { fail, ok } from '@latchkey/protocol/result';
import { isApiKeyText } from '@latchkey/tokens/formats/api-key';
import { decodeRefreshToken, REFRESH_TOKEN_PREFIX } from '@latchkey/tokens/formats/refresh-token';
import { seedMatcher } from '../grants/refresh.ts';
import { readForm } from '../http/body.ts';
import { json } from '../http/headers.ts';
import { proveApiKey } from '../prove/api-key.ts';
import { proveClient } from '../prove/client.ts';
import { isUnderSharedSecret } from '../prove/credentials/shared-secret.ts';
import { readAnyAccessToken } from '../prove/own-token.ts';
import type { Answer, Call, Endpoint, Server } from '../server.ts';
import { countForgery } from '../throttle/forgeries.ts';

/** Requests of one client, and events of single tokens that one client may add to the log. */
const REQUESTS = { burst: 200, perMinute: 600 } as const;
const TOKEN_EVENTS = { burst: LIMITS.tokenEventsPerClientMax, perMinute: LIMITS.tokenEventsPerClientMax / 63 } as const;

/**
 * Revocation of a refresh token, with its family, of one access token, or of a client's own API key. The hint is not needed: our tokens tell what
 * they are.
 *
 * @spec RFC 7009 §2
 */
export const revocation: Endpoint = {
  method: 'POST',
  path: '/oauth/revoke',
  summary: 'Revokes a refresh token with its family, one access token, or an API key of the client.',
  credentials: ['client', 'public_client'],
  wording: 'oauth',
  cors: 'registered',
  bodyMax: LIMITS.bodyBytesMax,
  async answer(call, server): Promise<Answer> {
    const form = await readForm(call.request, revocation.bodyMax);
    if (!form.ok) return form;
    const client = await proveClient(call, form.value, server);
    if (!client.ok) return client;
    const wait = await server.ephemeral.take(`revoke:${client.value.id}`, REQUESTS);
    if (wait > 0) return fail({ error: 'rate_limited', headers: { 'retry-after': String(wait) } });
    const token = form.value.get('token');
    if (token === undefined) return fail({ error: 'parameter_missing', detail: 'token is missing.' });
    if (isApiKeyText(token)) return revokeApiKey(token, client.value, server);
    return token.startsWith(REFRESH_TOKEN_PREFIX)
      ? revokeRefreshToken(token, client.value, server)
      : revokeAccessToken(token, client.value, call, server);
  },
};

/** What is unknown, malformed or dead already is no error. @spec RFC 7009 §2.2 */
const DONE = () => ok(json({}));

/** A client gives its own key back. One whose secret does not fit is none, and who has only its id ends nothing. */
async function revokeApiKey(text: string, client: ProvedClient, server: Server): Promise<Answer> {
  const { read } = server.store;
  const proved = await proveApiKey(text, read, await read.moment());
  if (!proved.ok) return DONE();
  const { id } = proved.value.key;
  const { outcome } = await server.commit(
    (reader, moment) => loadOwnedApiKey(reader, { id }, moment),
    (facts, moment) => decideGiveBackApiKey(facts, client, moment),
  );
  return outcome.ok ? DONE() : fail({ error: outcome.error, about: { api_key: id, client: client.id } });
}

async function revokeRefreshToken(text: string, client: ProvedClient, server: Server): Promise<Answer> {
  const { catalogue } = await server.store.read.moment();
  const token = decodeRefreshToken(text, (await server.keys.at(catalogue)).macKeyOf);
  if (!token.ok) return DONE();
  const { familyId } = token.value;
  const { outcome } = await server.commit(
    (read) => loadRevokeRefreshToken(read, familyId, seedMatcher(token.value, server)),
    (facts, moment) => decideRevokeRefreshToken(facts, client, moment),
  );
  return outcome.ok ? DONE() : fail({ error: outcome.error, about: { family: familyId, client: client.id } });
}

async function revokeAccessToken(text: string, client: ProvedClient, call: Call, server: Server): Promise<Answer> {
  if (isUnderSharedSecret(text)) return fail({ error: 'token_type_unsupported', about: { client: client.id } });
  const claims = await readAnyAccessToken(text, server);
  if (!claims.ok) {
    const isForged = claims.error === 'opaque_token_malformed' || claims.error === 'opaque_token_key_unknown';
    const tooMany = isForged ? await countForgery(call, server) : undefined;
    return tooMany === undefined ? DONE() : fail(tooMany);
  }
  const isOwn = claims.value.client_id === client.id;
  const isFlood = isOwn && (await server.ephemeral.take(`token-events:${client.id}`, TOKEN_EVENTS)) > 0;
  const command = { client, claims: claims.value, isFlood };
  const { outcome } = await server.commit(
    (read, moment) => loadRevokeAccessToken(read, command, moment),
    (facts, moment) => decideRevokeAccessToken(facts, command, moment),
  );
  return outcome.ok ? DONE() : fail({ error: outcome.error, about: { token: claims.value.jti, client: client.id } });
}
