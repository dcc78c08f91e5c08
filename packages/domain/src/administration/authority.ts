import type { AccessTokenClaims } from '@latchkey/protocol/claims';
import { type Decision, refuse } from '../decision.ts';
import type { Moment, Reader } from '../ports/reader.ts';
import { type AccessTokenFacts, accessTokenEnd, loadAccessTokenFacts } from '../tokens/access-token-life.ts';

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
