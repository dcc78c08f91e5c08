import type { SessionId } from '@latchkey/protocol/types';
import { allow, type Decision, refuse } from '../decision.ts';
import type { Session } from '../login/session.ts';
import type { Moment, SessionReader } from '../ports/reader.ts';
import { eventExpiry } from '../tokens/event-expiry.ts';
import { isSessionLive } from '../tokens/liveness.ts';
import type { Administrator } from './scopes.ts';

export interface EndSessionCommand {
  readonly administrator: Administrator;
  readonly id: SessionId;
}

export const loadEndSession = (read: SessionReader, { id }: EndSessionCommand): Promise<Session | undefined> =>
  read.session(id);

/** Whether it was this command that ended something. */
export type Ending = 'ended' | 'was_over';

/**
 * Decides the end of somebody's session by an administrator: with it ends every family that was begun in it. One that
 * is over already makes no event.
 *
 * @returns `session_unknown`
 */
export function decideEndSession(
  session: Session | undefined,
  { administrator }: EndSessionCommand,
  { now }: Moment,
): Decision<Ending> {
  if (session === undefined) return refuse('session_unknown');
  if (!isSessionLive(session, now)) return allow('was_over');
  const { id, accountId } = session;
  return allow('ended', [
    { kind: 'session.end', id, ended: { at: now, reason: 'ended_by_administrator', by: administrator.id } },
    { kind: 'revocation.emit', event: { kind: 'session', id, exp: eventExpiry(now) } },
    {
      kind: 'audit.append',
      entry: {
        at: now,
        event: 'session.ended',
        actor: administrator.id,
        subject: { session: id, account: accountId },
        detail: { reason: 'ended_by_administrator' },
      },
    },
  ]);
}
