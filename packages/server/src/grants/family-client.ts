import { isPublic, type ProvedClient, proved } from '@latchkey/domain/clients/client';
import { fail, ok, type Result } from '@latchkey/protocol/result';
import type { DecodedRefreshToken } from '@latchkey/tokens/formats/refresh-token';
import type { Refusal, Server } from '../server.ts';

/**
 * The client of the family that a refresh token belongs to, where that client is public: it proves nothing of itself,
 * so the first-party API need not have it named. Whether the token is good is seen in the decision.
 *
 * @returns `refresh_token_unknown`, `client_not_first_party`, `client_authentication_missing`
 */
export async function familyClient(token: DecodedRefreshToken, server: Server): Promise<Result<ProvedClient, Refusal>> {
  const about = { family: token.familyId };
  const family = await server.store.read.family(token.familyId);
  const client = family === undefined ? undefined : await server.store.read.client(family.clientId);
  if (client === undefined) return fail({ error: 'refresh_token_unknown', about });
  if (!client.firstParty) return fail({ error: 'client_not_first_party', about });
  if (!isPublic(client)) return fail({ error: 'client_authentication_missing', about });
  return ok(proved(client));
}
