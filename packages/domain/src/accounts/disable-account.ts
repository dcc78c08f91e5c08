import type { AccountId } from '@latchkey/protocol/types';
import type { Administrator } from '../administration/scopes.ts';
import { allow, type Decision, refuse } from '../decision.ts';
import { type AccountEnds, loadAccountEnds } from '../login/end-sessions.ts';
import { type Ending, sessionEnded } from '../login/end-writes.ts';
import type { AccountReader, Moment, Reader } from '../ports/reader.ts';
import { eventExpiry } from '../tokens/event-expiry.ts';
import type { Write } from '../write.ts';
import type { Account } from './account.ts';

export interface DisableAccountCommand {
  readonly administrator: Administrator;
  readonly id: AccountId;
}

export interface DisableAccountFacts {
  readonly account: Account | undefined;
  readonly ends: AccountEnds;
}

export const loadDisableAccount = async (
  read: Reader,
  { id }: DisableAccountCommand,
  moment: Moment,
): Promise<DisableAccountFacts> => ({
  account: await read.account(id),
  ends: await loadAccountEnds(read, id, moment),
});

/**
 * Decides that an account may not be used any more: one cut-off ends all that was ever issued for it, at every reader
 * and here; the rows say so, too, so that nothing comes back when the account is enabled again.
 *
 * @returns `not_found`
 */
export function decideDisableAccount(
  { account, ends }: DisableAccountFacts,
  { administrator, id }: DisableAccountCommand,
  { now }: Moment,
): Decision<'disabled' | 'was_disabled'> {
  if (account === undefined) return refuse('not_found');
  if (account.disabledAt !== undefined) return allow('was_disabled');
  const ended: Ending = { reason: 'account_disabled', by: administrator.id, at: now };
  return allow('disabled', [
    { kind: 'account.disable', id, at: now },
    ...ends.sessions.flatMap((session): readonly Write[] => [
      { kind: 'session.end', id: session.id, ended },
      sessionEnded(session.id, now),
    ]),
    { kind: 'family.end_offline', accountId: id, ended },
    { kind: 'revocation.emit', event: { kind: 'subject', id, exp: eventExpiry(now) } },
    auditOf('account.disabled', id, administrator, now),
  ]);
}

export const loadEnableAccount = (read: Pick<AccountReader, 'account'>, { id }: DisableAccountCommand) =>
  read.account(id);

/**
 * Decides that an account may be used again. What was ended stays ended.
 *
 * @returns `not_found`
 */
export function decideEnableAccount(
  account: Account | undefined,
  { administrator, id }: DisableAccountCommand,
  { now }: Moment,
): Decision<'enabled' | 'was_enabled'> {
  if (account === undefined) return refuse('not_found');
  if (account.disabledAt === undefined) return allow('was_enabled');
  return allow('enabled', [{ kind: 'account.enable', id }, auditOf('account.enabled', id, administrator, now)]);
}

const auditOf = (
  event: 'account.disabled' | 'account.enabled',
  account: AccountId,
  { id }: Administrator,
  at: Moment['now'],
): Write => ({ kind: 'audit.append', entry: { at, event, actor: id, subject: { account }, detail: {} } });
