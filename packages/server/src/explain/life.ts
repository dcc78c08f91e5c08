import type { Account } from '@latchkey/domain/accounts/account';
import type { Client } from '@latchkey/domain/clients/client';
import type { Session } from '@latchkey/domain/login/session';
import type { Reader } from '@latchkey/domain/ports/reader';
import type { TokenFamily } from '@latchkey/domain/tokens/family';
import { isAccountLive, isClientLive } from '@latchkey/domain/tokens/liveness';
import type { Position } from '@latchkey/protocol/position';
import type { EpochMilliseconds } from '@latchkey/protocol/types';
import { eventInAudit, eventOfEnd } from './events.ts';
import { type Finding, failed, passed, timeText } from './explanation.ts';

const SIGN_IN = 'The person has to sign in again.';

/** Whether a family lives, as far as its own row says. */
export async function familyFinding(family: TokenFamily, read: Reader): Promise<Finding> {
  if (family.ended === undefined) return passed('family', `The family ${family.id} has not ended.`);
  const advice =
    family.ended.reason === 'refresh_token_reused'
      ? 'If no lost response explains it, somebody stole a refresh token: look for the cause. The person signs in again.'
      : SIGN_IN;
  const event = await eventOfEnd('the token family', family.id, family.ended, read);
  return failed('family', `The family ${family.id} has ended.`, advice, event);
}

/** Whether a session lives; one that is no longer kept is over. */
export async function sessionFinding(
  session: Session | undefined,
  now: EpochMilliseconds,
  read: Reader,
): Promise<Finding> {
  if (session === undefined) return failed('session', 'Its session is over, and no longer kept.', SIGN_IN);
  if (session.ended !== undefined) {
    const event = await eventOfEnd('the session', session.id, session.ended, read);
    return failed('session', `The session ${session.id} has ended.`, SIGN_IN, event);
  }
  if (now >= session.expiresAt)
    return failed('session', `The session ${session.id} expired at ${timeText(session.expiresAt, now)}.`, SIGN_IN);
  return passed('session', `The session ${session.id} lives until ${timeText(session.expiresAt, now)}.`);
}

/** Whether an account may be used, and `pos` stands behind its last cut-off. */
export async function accountFinding(account: Account | undefined, pos: Position, read: Reader): Promise<Finding> {
  if (account === undefined) return failed('account', 'The account is no longer kept.', 'Make a new account.');
  if (isAccountLive(account, pos)) return passed('account', `The account ${account.id} may be used.`);
  const why = 'An administrator disabled the account; everything issued for it before has ended.';
  const event = await eventInAudit(account.id, ['account.disabled'], why, read);
  return account.disabledAt === undefined
    ? failed('account', `All that was issued for ${account.id} before then has ended.`, SIGN_IN, event)
    : failed('account', `The account ${account.id} is disabled.`, 'Enable it: latchkey account enable.', event);
}

/** Whether a client may be used, and `pos` stands behind its last cut-off. */
export async function clientFinding(client: Client | undefined, pos: Position, read: Reader): Promise<Finding> {
  if (client === undefined)
    return failed('client', 'The client was deleted, and is no longer kept.', 'Make a new client.');
  if (isClientLive(client, pos)) return passed('client', `The client ${client.id} (${client.name}) may be used.`);
  const why =
    client.deletedAt === undefined
      ? 'So many single tokens of this client were revoked that one cut-off took their place.'
      : 'An administrator deleted the client; everything issued to it has ended.';
  const event = await eventInAudit(client.id, ['client.deleted', 'feed.cut_off_instead_of_tokens'], why, read);
  return client.deletedAt === undefined
    ? failed('client', `All that was issued to ${client.id} before then has ended.`, 'Get a new token.', event)
    : failed('client', `The client ${client.id} (${client.name}) is deleted.`, 'Make a new client.', event);
}
