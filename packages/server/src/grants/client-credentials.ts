import type { ProvedClient } from '@latchkey/domain/clients/client';
import {
  type ClientCredentialsCommand,
  decideClientCredentials,
  loadClientCredentials,
} from '@latchkey/domain/grants/client-credentials';
import { fail, type Result } from '@latchkey/protocol/result';
import type { ClientCredentialsRequest } from '@latchkey/protocol/token-request';
import { type MintedTokens, mintTokens } from '../mint/token-response.ts';
import { proveHookClaims } from '../prove/hook-claims.ts';
import { detailOf } from '../refused.ts';
import type { Refusal, Server } from '../server.ts';

/** Issues a machine token. Nothing is written for it, so it is decided by reads alone, the moment first. */
export async function clientCredentials(
  client: ProvedClient,
  request: ClientCredentialsRequest,
  server: Server,
): Promise<Result<MintedTokens, Refusal>> {
  const command: ClientCredentialsCommand = {
    client,
    scope: request.scope,
    resources: request.resources,
    issuer: server.settings.issuer,
    hookClaims: undefined,
  };
  const proved = await proveHookClaims(
    {
      grantType: 'client_credentials',
      load: (read) => loadClientCredentials(read, command),
      decide: (facts, at) => decideClientCredentials(facts, command, at),
      metadata: () => undefined,
    },
    server,
  );
  if (!proved.ok) return fail({ ...proved.error, about: { client: client.id } });
  const { hookClaims, hold } = proved.value;
  const moment = await server.store.read.moment();
  const facts = await loadClientCredentials(server.store.read, command);
  const { outcome, detail } = hold(decideClientCredentials(facts, { ...command, hookClaims }, moment));
  if (!outcome.ok) return fail({ error: outcome.error, ...detailOf(detail), about: { client: client.id } });
  return mintTokens(outcome.value, moment, server);
}
