import type { AccountId, SessionId } from '@latchkey/protocol/types';
import { allow, type Decision, refuse } from '../decision.ts';
import type { Moment, Reader } from '../ports/reader.ts';
import type { TokenFamily } from '../tokens/family.ts';
import { isSessionLive } from '../tokens/liveness.ts';
import type { Write } from '../write.ts';
import { type Ending, endFamilyWrites, endSessionWrites } from './end-writes.ts';
import type { Session } from './session.ts';

/** Everything of an account that can end: its live sessions, and the families that belong to none. */
export interface AccountEnds {
  readonly sessions: readonly Session[];
  readonly offline: readonly TokenFamily[];
  /** Those with a pairwise subject, which readers of the feed know by themselves only. */
  readonly pairwise: readonly TokenFamily[];
}

export const loadAccountEnds = async (read: Reader, account: AccountId, { now }: Moment): Promise<AccountEnds> => ({
  sessions: await read.liveSessions(account, now),
  offline: await read.offlineFamilies(account, now),
  pairwise: await read.pairwiseFamilies(account),
});

/** Ends all of it, but the session that is kept, by one event each. */
export const endAllWrites = (
  { sessions, offline, pairwise }: AccountEnds,
  ending: Ending,
  kept?: SessionId,
): readonly Write[] => [
  ...sessions.filter(({ id }) => id !== kept).flatMap((session) => endSessionWrites(session, ending, pairwise)),
  ...offline.flatMap((family) => endFamilyWrites(family, ending)),
];

/**
 * What was asked for in a session does not outlive it: a link to add an address that a thief asked for would give them
 * the account once more. Of which session it was nobody knows any more; whoever wants one asks again.
 */
export const linksEnd = (accountId: AccountId): Write => ({ kind: 'link.end', accountId });

/** Decides the end of all sessions of an account by its owner, the one that asks included. Says how many they were. */
export function decideEndAllSessions(ends: AccountEnds, account: AccountId, { now }: Moment): Decision<number> {
  const writes = endAllWrites(ends, { reason: 'ended_by_owner', by: account, at: now });
  return allow(ends.sessions.length, writes.length === 0 ? [] : [...writes, linksEnd(account)]);
}

/** Decides the end of all of it but the session that asks. Says how many sessions they were. */
export const decideEndOtherSessions = (
  ends: AccountEnds,
  account: AccountId,
  kept: SessionId,
  { now }: Moment,
): Decision<number> =>
  allow(ends.sessions.filter(({ id }) => id !== kept).length, [
    ...endAllWrites(ends, { reason: 'ended_by_owner', by: account, at: now }, kept),
    linksEnd(account),
  ]);

/** A session, and the families of its account that have to be told of one by one. */
export interface SessionEnds {
  readonly session: Session | undefined;
  readonly pairwise: readonly TokenFamily[];
}

/** Loads what decisions on the end of a session look at. */
export async function loadSessionEnds(
  read: Pick<Reader, 'session' | 'pairwiseFamilies'>,
  id: SessionId,
): Promise<SessionEnds> {
  const session = await read.session(id);
  return { session, pairwise: session === undefined ? [] : await read.pairwiseFamilies(session.accountId) };
}

/**
 * Decides the end of one of an owner's sessions.
 *
 * @returns `session_unknown` for one that is over, or somebody else's
 */
export function decideEndOwnSession(
  { session, pairwise }: SessionEnds,
  account: AccountId,
  { now }: Moment,
): Decision<undefined> {
  if (session === undefined || session.accountId !== account || !isSessionLive(session, now))
    return refuse('session_unknown');
  const ending = { reason: 'ended_by_owner', by: account, at: now } as const;
  return allow(undefined, [...endSessionWrites(session, ending, pairwise), linksEnd(account)]);
}
