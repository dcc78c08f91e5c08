import { type AccessTokenFacts, accessTokenEnd, loadAccessTokenFacts } from '@latchkey/domain/tokens/access-token-life';
import type { AccessTokenClaims, ActiveIntrospection } from '@latchkey/protocol/claims';
import type { ErrorId } from '@latchkey/protocol/errors';
import { fail, ok, type Result } from '@latchkey/protocol/result';
import type { Server } from '../../server.ts';

/**
 * Looks at all that a token depends on, and tells what it allows while all of it lives. How a sender must prove a bound
 * token stands in `cnf`, for whoever asked to hold against the request.
 *
 * @returns `token_revoked`
 * @spec RFC 7662 §2.2; RFC 9449 §6.2
 */
export async function proveLife(
  claims: AccessTokenClaims,
  server: Server,
): Promise<Result<ActiveIntrospection, ErrorId>> {
  const moment = await server.store.read.moment();
  const facts = await loadAccessTokenFacts(server.store.read, claims, moment);
  if (accessTokenEnd(facts, claims, moment) !== undefined) return fail('token_revoked');
  const username = await usernameOf(facts, server);
  return ok({
    ...claims,
    ...(username === undefined ? {} : { username }),
    active: true,
    token_type: claims.cnf?.jkt === undefined ? 'Bearer' : 'DPoP',
  });
}

/** The name by which a person signs in. Where people are known by other names in each sector, this one is not told. */
async function usernameOf({ account, family }: AccessTokenFacts, { store: { read } }: Server) {
  if (account === undefined || family?.pairwise !== undefined) return undefined;
  const names = await read.identifiers(account.id);
  return names.find(({ kind }) => kind === 'username')?.display;
}
