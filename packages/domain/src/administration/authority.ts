import type { AccessTokenClaims } from '@latchkey/protocol/claims';
import { parseId } from '@latchkey/protocol/ids';
import { intersect, isSubset, type Scope } from '@latchkey/protocol/scope';
import type { Role } from '../accounts/account.ts';
import { type Decision, refuse } from '../decision.ts';
import type { AccountReader, Moment, Reader } from '../ports/reader.ts';
import { type AccessTokenFacts, accessTokenEnd, loadAccessTokenFacts } from '../tokens/access-token-life.ts';
import { scopesOf } from './roles-of-admin-api.ts';
import type { Administrator } from './scopes.ts';

/** The facts of a decision, and those about the access token of whoever asks for it. */
export interface Authorised<Facts> {
  readonly authority: AccessTokenFacts;
  readonly facts: Facts;
}

/**
 * A decision on behalf of whoever holds an access token. The token was proved before the transaction; inside of it is
 * seen whether it still lives, so that an administrator who was just stopped changes nothing more.
 *
 * @returns `token_revoked`, and what the decision refuses
 */
export const onAuthorityOf = <Facts, T>(
  claims: AccessTokenClaims,
  load: (read: Reader, moment: Moment) => Promise<Facts>,
  decide: (facts: Facts, moment: Moment) => Decision<T>,
) => ({
  load: async (read: Reader, moment: Moment): Promise<Authorised<Facts>> => ({
    authority: await loadAccessTokenFacts(read, claims, moment),
    facts: await load(read, moment),
  }),
  decide: ({ authority, facts }: Authorised<Facts>, moment: Moment): Decision<T> =>
    accessTokenEnd(authority, claims, moment) === undefined ? decide(facts, moment) : refuse('token_revoked'),
});

/** The roles at the admin API of whoever holds a token for it; a machine has none. */
export async function loadAdministratorRoles(
  read: Pick<AccountReader, 'roles'>,
  { sub }: AccessTokenClaims,
  adminApi: string,
): Promise<readonly Role[]> {
  const accountId = parseId('acc', sub);
  return accountId === undefined ? [] : read.roles(accountId, adminApi);
}

/**
 * Who asks by a token for the admin API. A machine may do what its token says; a person as much of that as their roles
 * give now, so that a role that was taken away is gone at once and not when the token expires.
 */
export function administratorOf(claims: AccessTokenClaims, roles: readonly Role[], adminApi: string): Administrator {
  const scope: Scope = claims.scope === undefined ? [] : claims.scope.split(' ');
  const isMachine = claims.sub === claims.client_id;
  return { id: claims.sub, scope: isMachine ? scope : intersect(scope, scopesOf(roles, adminApi)) };
}

/**
 * A decision on behalf of an administrator. What they may do was proved before the transaction; inside of it is seen
 * whether their token still lives and their roles still give all of it.
 *
 * @returns `token_revoked`, `admin_role_insufficient`, and what the decision refuses
 */
export const onAuthorityOfAdministrator = <Facts, T>(
  claims: AccessTokenClaims,
  { scope }: Administrator,
  adminApi: string,
  load: (read: Reader, moment: Moment) => Promise<Facts>,
  decide: (facts: Facts, moment: Moment) => Decision<T>,
) =>
  onAuthorityOf(
    claims,
    async (read, moment) => ({
      roles: await loadAdministratorRoles(read, claims, adminApi),
      facts: await load(read, moment),
    }),
    ({ roles, facts }, moment): Decision<T> =>
      isSubset(scope, administratorOf(claims, roles, adminApi).scope)
        ? decide(facts, moment)
        : refuse('admin_role_insufficient'),
  );
