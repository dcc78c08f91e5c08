import type { ProvedClient } from '@latchkey/domain/clients/client';
import {
  type ApiKeyExchangeCommand,
  decideApiKeyExchange,
  loadApiKeyExchange,
} from '@latchkey/domain/grants/api-key-exchange';
import type { ErrorId } from '@latchkey/protocol/errors';
import { isInNetworks } from '@latchkey/protocol/network';
import { fail, ok, type Result } from '@latchkey/protocol/result';
import { TOKEN_EXCHANGE, type TokenExchangeRequest } from '@latchkey/protocol/token-request';
import { useApiKey } from '../api-keys/use.ts';
import { type MintedTokens, mintTokens } from '../mint/token-response.ts';
import { type ProvedApiKey, proveApiKey } from '../prove/api-key.ts';
import { proveHookClaims } from '../prove/hook-claims.ts';
import { detailOf } from '../refused.ts';
import type { Call, Refusal, Server } from '../server.ts';
import { addressKey } from '../throttle/address.ts';

/** Keys that are refused, from one address: beyond this the answer is to wait. */
const FAILURES = { burst: 60, perMinute: 30 } as const;

/**
 * Exchanges an API key for an access token. The key is proof enough of who asks; a client that authenticates as well acts
 * in the token. Decided by reads alone, the moment first. What is issued is one use of the key, counted before anybody
 * gets it; what is refused costs nothing.
 *
 * @spec RFC 8693 §2 (APK-05)
 */
export async function exchangeApiKey(
  client: ProvedClient | undefined,
  request: TokenExchangeRequest,
  call: Call,
  server: Server,
): Promise<Result<MintedTokens, Refusal>> {
  const { read } = server.store;
  const presented = await proveKey(request.subjectToken, call, server);
  if (!presented.ok) return presented;
  const { key, goodUntil } = presented.value;
  const about = { api_key: key.id, ...(client === undefined ? {} : { client: client.id }) };
  const command: ApiKeyExchangeCommand = {
    key: { id: key.id, version: key.version, goodUntil },
    client,
    scope: request.scope,
    resources: request.resources,
    audience: request.audience,
    issuer: server.settings.issuer,
    hookClaims: undefined,
  };
  const proved = await proveHookClaims(
    {
      grantType: TOKEN_EXCHANGE,
      load: (reader) => loadApiKeyExchange(reader, command),
      decide: (facts, at) => decideApiKeyExchange(facts, command, at),
      metadata: ({ metadata }) => metadata,
    },
    server,
  );
  if (!proved.ok) return fail({ ...proved.error, about });
  const { hookClaims, hold } = proved.value;
  const moment = await read.moment();
  const facts = await loadApiKeyExchange(read, command);
  const { outcome, detail } = hold(decideApiKeyExchange(facts, { ...command, hookClaims }, moment));
  if (!outcome.ok) return fail({ error: outcome.error, ...detailOf(detail), about });
  const used = await useApiKey(key, outcome.value.access.resource.id, server);
  return used.ok ? mintTokens(outcome.value, moment, server) : used;
}

/**
 * Proves the key and where it comes from. Whatever is wrong with it, whoever presents it is told the same.
 *
 * @returns `subject_token_malformed`, `subject_token_wrong`, `subject_token_over`, `subject_token_network_refused`,
 *   `rate_limited`
 */
async function proveKey(text: string, { address }: Call, server: Server): Promise<Result<ProvedApiKey, Refusal>> {
  const { read } = server.store;
  const proved = await proveApiKey(text, read, await read.moment());
  const networks = proved.ok ? proved.value.key.networks : [];
  if (proved.ok && (networks.length === 0 || isInNetworks(address, networks))) return ok(proved.value);
  const refused: Refusal = proved.ok
    ? { error: 'subject_token_network_refused', about: { api_key: proved.value.key.id } }
    : { error: asSubject(proved.error.error), about: proved.error.about };
  const wait = await server.ephemeral.take(`exchange:${addressKey(address)}`, FAILURES);
  return fail(wait > 0 ? { ...refused, error: 'rate_limited', headers: { 'retry-after': String(wait) } } : refused);
}

/** What is wrong with a key, as an exchange has to say it. @spec RFC 8693 §2.2.2 (`invalid_request`) */
function asSubject(error: ErrorId): ErrorId {
  if (error === 'api_key_malformed') return 'subject_token_malformed';
  return error === 'api_key_unknown' || error === 'api_key_secret_wrong' ? 'subject_token_wrong' : 'subject_token_over';
}
