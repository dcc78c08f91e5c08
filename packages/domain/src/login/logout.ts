import type { FamilyId, Sealed } from '@latchkey/protocol/types';
import { allow, type Decision, refuse } from '../decision.ts';
import type { Moment, Reader } from '../ports/reader.ts';
import type { Delivery, TokenFamily } from '../tokens/family.ts';
import { familyLife, type Lifelines } from '../tokens/liveness.ts';
import { endFamilyWrites, endSessionWrites } from './end-writes.ts';

export interface LogoutCommand {
  readonly familyId: FamilyId;
  /** How the refresh token came in. */
  readonly delivery: Delivery;
}

export interface LogoutFacts extends Lifelines {
  readonly family: TokenFamily | undefined;
  readonly seedMatches: boolean;
  /** Families of the account that have to be told of one by one. */
  readonly pairwise: readonly TokenFamily[];
}

export async function loadLogout(
  read: Reader,
  { familyId }: LogoutCommand,
  matchesSeed: (seed: Sealed) => boolean,
): Promise<LogoutFacts> {
  const family = await read.family(familyId);
  return {
    family,
    seedMatches: family?.refresh !== undefined && matchesSeed(family.refresh.seed),
    account: family === undefined ? undefined : await read.account(family.accountId),
    client: family === undefined ? undefined : await read.client(family.clientId),
    session: family?.sessionId === undefined ? undefined : await read.session(family.sessionId),
    pairwise: family === undefined ? [] : await read.pairwiseFamilies(family.accountId),
  };
}

/**
 * Decides a logout: the session of the refresh token ends, and with it everything that was issued in it. Any generation
 * will do, since whoever wants an end to it may have it; what has ended already ends no second time.
 *
 * @returns `client_not_first_party`
 */
export function decideLogout(facts: LogoutFacts, { delivery }: LogoutCommand, { now }: Moment): Decision<undefined> {
  const { family, session, client } = facts;
  if (family === undefined || !facts.seedMatches || family.delivery !== delivery) return allow(undefined);
  if (client === undefined || familyLife(family, facts, now) !== 'live') return allow(undefined);
  // the session of a person is not for a client of others to end
  if (!client.firstParty) return refuse('client_not_first_party');
  const ending = { reason: 'logout', by: family.accountId, at: now } as const;
  if (session === undefined) return allow(undefined, endFamilyWrites(family, ending));
  return allow(undefined, endSessionWrites(session, ending, facts.pairwise));
}
