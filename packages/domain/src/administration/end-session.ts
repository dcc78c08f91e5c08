import type { SessionId } from '@latchkey/protocol/types';
import { allow, type Decision, refuse } from '../decision.ts';
import { linksEnd, loadSessionEnds, type SessionEnds } from '../login/end-sessions.ts';
import { endSessionWrites } from '../login/end-writes.ts';
import type { Moment, Reader } from '../ports/reader.ts';
import { isSessionLive } from '../tokens/liveness.ts';
import type { Administrator } from './scopes.ts';

export interface EndSessionCommand {
  readonly administrator: Administrator;
  readonly id: SessionId;
}

export const loadEndSession = (
  read: Pick<Reader, 'session' | 'pairwiseFamilies'>,
  { id }: EndSessionCommand,
): Promise<SessionEnds> => loadSessionEnds(read, id);

/** Whether it was this command that ended something. */
export type EndedNow = 'ended' | 'was_over';

/**
 * Decides the end of somebody's session by an administrator: with it ends every family that was begun in it. One that
 * is over already makes no event.
 *
 * @returns `session_unknown`
 */
export function decideEndSession(
  { session, pairwise }: SessionEnds,
  { administrator }: EndSessionCommand,
  { now }: Moment,
): Decision<EndedNow> {
  if (session === undefined) return refuse('session_unknown');
  if (!isSessionLive(session, now)) return allow('was_over');
  const ending = { reason: 'ended_by_administrator', by: administrator.id, at: now } as const;
  return allow('ended', [...endSessionWrites(session, ending, pairwise), linksEnd(session.accountId)]);
}
