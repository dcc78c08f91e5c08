import type { ProvedClient } from '@latchkey/domain/clients/client';
import { decideRefresh, loadRefresh, type RefreshCommand } from '@latchkey/domain/grants/refresh-token';
import type { Reader } from '@latchkey/domain/ports/reader';
import type { Delivery } from '@latchkey/domain/tokens/family';
import { LIMITS } from '@latchkey/protocol/limits';
import { fail, ok, type Result } from '@latchkey/protocol/result';
import type { FamilyId, ResourceIdentifier } from '@latchkey/protocol/types';
import { type DecodedRefreshToken, decodeRefreshToken, seedMatches } from '@latchkey/tokens/formats/refresh-token';
import { adminApiOf } from '../bootstrap.ts';
import { type MintedTokens, mintTokens } from '../mint/token-response.ts';
import { proveHookClaims } from '../prove/hook-claims.ts';
import { secretHash } from '../prove/secret.ts';
import { detailOf } from '../refused.ts';
import { seedPlace } from '../seal/places.ts';
import type { Call, Refusal, Server } from '../server.ts';
import { countForgery } from '../throttle/forgeries.ts';

export interface RefreshInput {
  readonly client: ProvedClient;
  readonly token: DecodedRefreshToken;
  readonly delivery: Delivery;
  readonly attemptId: string | undefined;
  readonly scope: string | undefined;
  readonly resources: readonly ResourceIdentifier[];
}

/**
 * Reads a refresh token by its outer MAC, before any row of a family is read; forgeries are counted by address.
 *
 * @returns `refresh_token_malformed`, `refresh_token_key_unknown`, `rate_limited`
 */
export async function readRefreshToken(
  text: string,
  call: Call,
  server: Server,
): Promise<Result<DecodedRefreshToken, Refusal>> {
  const { catalogue } = await server.store.read.moment();
  const keys = await server.keys.at(catalogue);
  const token = decodeRefreshToken(text, keys.macKeyOf);
  if (token.ok) return token;
  return fail((await countForgery(call, server)) ?? { error: token.error });
}

/** Whether a decoded token was made with this seed of a family's row. */
export const seedMatcher =
  (token: DecodedRefreshToken, server: Server) =>
  (seed: Parameters<Server['seal']['open']>[1]): boolean =>
    seedMatches(token, server.seal.open(seedPlace(token.familyId), seed));

/** Refreshes: decides in one transaction, and mints what was decided. */
export async function refreshTokens(
  input: RefreshInput,
  server: Server,
): Promise<Result<MintedTokens & { readonly familyId: FamilyId }, Refusal>> {
  const { token, attemptId, client } = input;
  const about = { family: token.familyId, generation: String(token.generation), client: client.id };
  if (attemptId !== undefined && attemptId.length > LIMITS.attemptIdMax)
    return fail({ error: 'field_invalid', detail: 'attempt_id is too long.', about });
  const { catalogue } = await server.store.read.moment();
  const command: RefreshCommand = {
    client,
    familyId: token.familyId,
    generation: token.generation,
    delivery: input.delivery,
    provedKey: undefined,
    attemptHash: attemptId === undefined ? undefined : secretHash(attemptId),
    scope: input.scope,
    resources: input.resources,
    overlapMilliseconds: server.settings.refreshOverlapMilliseconds,
    acrLevels: server.settings.acrLevels,
    issuer: server.settings.issuer,
    adminApi: adminApiOf(server.settings.issuer),
    hookClaims: undefined,
    macKeyId: (await server.keys.at(catalogue)).macKey.id,
  };
  const load = (read: Reader) => loadRefresh(read, command, seedMatcher(token, server));
  const proved = await proveHookClaims(
    {
      grantType: 'refresh_token',
      load,
      decide: (facts, at) => decideRefresh(facts, command, at),
      metadata: (facts) => facts.metadata,
    },
    server,
  );
  if (!proved.ok) return fail({ ...proved.error, about });
  const { hookClaims, hold } = proved.value;
  const { outcome, moment, writes, detail } = await server.commit(load, (facts, at) =>
    hold(decideRefresh(facts, { ...command, hookClaims }, at)),
  );
  if (!outcome.ok) return fail({ error: outcome.error, ...detailOf(detail), about });
  const isOverlap = writes.some(({ kind }) => kind === 'family.use_overlap');
  server.metrics.count('latchkey_refreshes_total', { how: isOverlap ? 'overlap' : 'rotated' });
  if (isOverlap) server.metrics.count('latchkey_overlap_uses_total');
  const minted = await mintTokens(outcome.value, moment, server);
  return minted.ok ? ok({ ...minted.value, familyId: token.familyId }) : minted;
}
