import type { FamilyId } from '@latchkey/protocol/types';
import { type Decision, refuse } from '../decision.ts';
import type { Moment, Reader } from '../ports/reader.ts';
import { familyLife } from '../tokens/liveness.ts';
import { type LogoutFacts, loadLogout } from './logout.ts';

/** The facts of a decision, and those about the family of whoever asks for it. */
export interface OnFamily<Facts> {
  readonly authority: LogoutFacts;
  readonly facts: Facts;
}

/**
 * A decision on behalf of whoever holds the refresh token of a family. The token was proved before the transaction;
 * inside of it is seen whether the family still lives, so that a session that was just ended changes nothing more.
 *
 * @returns `refresh_token_ended`, and what the decision refuses
 */
export const onAuthorityOfFamily = <Facts, T>(
  familyId: FamilyId,
  load: (read: Reader, moment: Moment) => Promise<Facts>,
  decide: (facts: Facts, moment: Moment) => Decision<T>,
) => ({
  load: async (read: Reader, moment: Moment): Promise<OnFamily<Facts>> => ({
    authority: await loadLogout(read, { familyId, delivery: 'cookie' }, () => true),
    facts: await load(read, moment),
  }),
  decide: ({ authority, facts }: OnFamily<Facts>, moment: Moment): Decision<T> => {
    const { family } = authority;
    const isLive = family !== undefined && familyLife(family, authority, moment.now) === 'live';
    return isLive ? decide(facts, moment) : refuse('refresh_token_ended');
  },
});
