import { isBefore, type Position } from '@latchkey/protocol/position';
import type { EpochMilliseconds } from '@latchkey/protocol/types';
import type { Account } from '../accounts/account.ts';
import type { Client } from '../clients/client.ts';
import type { Session } from '../login/session.ts';
import type { TokenFamily } from './family.ts';

/** The rows on whose life a family depends; undefined where the row is no longer kept. */
export interface Lifelines {
  readonly account: Account | undefined;
  readonly client: Client | undefined;
  /** The session that the family names; undefined for an offline family too. */
  readonly session: Session | undefined;
}

const isCutOff = (pos: Position, cutOff: Position | undefined): boolean =>
  cutOff !== undefined && isBefore(pos, cutOff);

/** True while an account may be used and `pos` stands behind its last cut-off. */
export const isAccountLive = (account: Account | undefined, pos: Position): boolean =>
  account !== undefined && account.disabledAt === undefined && !isCutOff(pos, account.cutOff);

/** True while a client may be used and `pos` stands behind its last cut-off. */
export const isClientLive = (client: Client | undefined, pos: Position): boolean =>
  client !== undefined && client.deletedAt === undefined && !isCutOff(pos, client.cutOff);

/** True while a session has neither ended nor expired. */
export const isSessionLive = (session: Session | undefined, now: EpochMilliseconds): boolean =>
  session !== undefined && session.ended === undefined && now < session.expiresAt;

/**
 * Says whether a family lives: neither it nor its session, account or client has ended, and its time is not over.
 * What was ended is said to be ended even when it would have expired by now.
 */
export function familyLife(
  family: TokenFamily,
  { account, client, session }: Lifelines,
  now: EpochMilliseconds,
): 'live' | 'ended' | 'expired' {
  if (family.ended !== undefined) return 'ended';
  if (!isAccountLive(account, family.pos) || !isClientLive(client, family.pos)) return 'ended';
  if (family.sessionId !== undefined) {
    if (session === undefined || session.ended !== undefined) return 'ended';
    if (now >= session.expiresAt) return 'expired';
  }
  return now >= family.expiresAt ? 'expired' : 'live';
}
