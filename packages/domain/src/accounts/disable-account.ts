import type { AccountId } from '@latchkey/protocol/types';
import { scopesOf } from '../administration/roles-of-admin-api.ts';
import { type Administrator, mayGive } from '../administration/scopes.ts';
import { allow, type Decision, refuse } from '../decision.ts';
import { type AccountEnds, linksEnd, loadAccountEnds } from '../login/end-sessions.ts';
import { type Ending, endPairwiseWrites, sessionEnded } from '../login/end-writes.ts';
import type { AccountReader, Moment, Reader } from '../ports/reader.ts';
import { eventExpiry } from '../tokens/event-expiry.ts';
import type { Write } from '../write.ts';
import type { Account, Role } from './account.ts';

export interface DisableAccountCommand {
  readonly administrator: Administrator;
  readonly id: AccountId;
  /** The audience of the admin API. */
  readonly adminApi: string;
}

/** The account, and what it is at the resources. */
export interface EnableAccountFacts {
  readonly account: Account | undefined;
  readonly roles: readonly Role[];
}

export interface DisableAccountFacts extends EnableAccountFacts {
  readonly ends: AccountEnds;
}

export const loadDisableAccount = async (
  read: Reader,
  { id }: DisableAccountCommand,
  moment: Moment,
): Promise<DisableAccountFacts> => ({
  ...(await loadEnableAccount(read, { id })),
  ends: await loadAccountEnds(read, id, moment),
});

/**
 * Decides that an account may not be used any more: one cut-off ends all that was ever issued for it, at every reader
 * and here; the rows say so, too, so that nothing comes back when the account is enabled again. What is known by another
 * name than the account's ends by events of its own. Nobody does so to one that may do more in the admin API than they may
 * themselves.
 *
 * @returns `not_found`, `account_outranks`
 */
export function decideDisableAccount(
  { account, roles, ends }: DisableAccountFacts,
  { administrator, id, adminApi }: DisableAccountCommand,
  { now }: Moment,
): Decision<'disabled' | 'was_disabled'> {
  if (account === undefined) return refuse('not_found');
  if (!mayGive(administrator, scopesOf(roles, adminApi))) return refuse('account_outranks');
  if (account.disabledAt !== undefined) return allow('was_disabled');
  const ended: Ending = { reason: 'account_disabled', by: administrator.id, at: now };
  return allow('disabled', [
    { kind: 'account.disable', id, at: now },
    linksEnd(id),
    ...ends.sessions.flatMap((session): readonly Write[] => [
      { kind: 'session.end', id: session.id, ended },
      sessionEnded(session.id, now),
    ]),
    { kind: 'family.end_offline', accountId: id, ended },
    ...endPairwiseWrites(ends.pairwise, ended),
    { kind: 'revocation.emit', event: { kind: 'subject', id, exp: eventExpiry(now) } },
    auditOf('account.disabled', id, administrator, now),
  ]);
}

export const loadEnableAccount = async (
  read: Pick<AccountReader, 'account' | 'roles'>,
  { id }: Pick<DisableAccountCommand, 'id'>,
): Promise<EnableAccountFacts> => ({ account: await read.account(id), roles: await read.roles(id, undefined) });

/**
 * Decides that an account may be used again. What was ended stays ended. Nobody does so for one that may do more in the
 * admin API than they may themselves.
 *
 * @returns `not_found`, `account_outranks`
 */
export function decideEnableAccount(
  { account, roles }: EnableAccountFacts,
  { administrator, id, adminApi }: DisableAccountCommand,
  { now }: Moment,
): Decision<'enabled' | 'was_enabled'> {
  if (account === undefined) return refuse('not_found');
  if (!mayGive(administrator, scopesOf(roles, adminApi))) return refuse('account_outranks');
  if (account.disabledAt === undefined) return allow('was_enabled');
  return allow('enabled', [{ kind: 'account.enable', id }, auditOf('account.enabled', id, administrator, now)]);
}

const auditOf = (
  event: 'account.disabled' | 'account.enabled',
  account: AccountId,
  { id }: Administrator,
  at: Moment['now'],
): Write => ({ kind: 'audit.append', entry: { at, event, actor: id, subject: { account }, detail: {} } });
