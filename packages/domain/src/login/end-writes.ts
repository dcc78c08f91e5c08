import { DURATIONS } from '@latchkey/protocol/limits';
import { type EpochMilliseconds, later, type SessionId } from '@latchkey/protocol/types';
import type { EndReason } from '../tokens/end-reason.ts';
import { eventExpiry } from '../tokens/event-expiry.ts';
import type { TokenFamily } from '../tokens/family.ts';
import type { Write } from '../write.ts';
import type { Session } from './session.ts';

/** For so long a verifier may still accept what has expired: its leeway, and the difference that clocks may have. */
const CLOCKS_MILLISECONDS = (DURATIONS.eventRetention - DURATIONS.accessTokenMax) * 1000;

/** Why something ends, by whom, and when. */
export interface Ending {
  readonly reason: EndReason;
  readonly by: string;
  readonly at: EpochMilliseconds;
}

/** Names the message that a session has ended; the worker finds out which clients want to hear of it. */
export const SESSION_ENDED = 'session_ended';

/** The message that a session has ended, for the clients that it signed in to. */
export const sessionEnded = (id: SessionId, at: EpochMilliseconds): Write => ({
  kind: 'outbox.enqueue',
  message: { topic: SESSION_ENDED, body: { session: id }, at },
});

/**
 * The end of a session, and with it of its families: their life hangs on its row, and readers know them by its id. Those
 * with a pairwise subject do not say in which session they are, so each of them ends by an event of its own.
 */
export const endSessionWrites = (
  { id, accountId }: Session,
  ending: Ending,
  pairwise: readonly TokenFamily[],
): readonly Write[] => [
  { kind: 'session.end', id, ended: ending },
  { kind: 'revocation.emit', event: { kind: 'session', id, exp: eventExpiry(ending.at) } },
  ...endPairwiseWrites(
    pairwise.filter(({ sessionId }) => sessionId === id),
    ending,
  ),
  sessionEnded(id, ending.at),
  {
    kind: 'audit.append',
    entry: {
      at: ending.at,
      event: ending.reason === 'logout' ? 'logout' : 'session.ended',
      actor: ending.by,
      subject: { session: id, account: accountId },
      detail: { reason: ending.reason },
    },
  },
];

/**
 * The end of families with a pairwise subject, together with what they belong to. What expired so long ago that no
 * verifier's clock says otherwise is over already.
 */
export const endPairwiseWrites = (families: readonly TokenFamily[], ending: Ending): readonly Write[] =>
  families
    .filter(({ expiresAt }) => later(expiresAt, CLOCKS_MILLISECONDS) > ending.at)
    .flatMap(({ id }): readonly Write[] => [
      { kind: 'family.end', id, ended: ending },
      { kind: 'revocation.emit', event: { kind: 'family', id, exp: eventExpiry(ending.at) } },
    ]);

/** The end of a family on its own: one that belongs to no session. */
export const endFamilyWrites = ({ id, accountId, clientId }: TokenFamily, ending: Ending): readonly Write[] => [
  { kind: 'family.end', id, ended: ending },
  { kind: 'revocation.emit', event: { kind: 'family', id, exp: eventExpiry(ending.at) } },
  {
    kind: 'audit.append',
    entry: {
      at: ending.at,
      event: 'family.ended',
      actor: ending.by,
      subject: { family: id, account: accountId, client: clientId },
      detail: { reason: ending.reason },
    },
  },
];
