import type { AccountId, SessionId } from '@latchkey/protocol/types';
import { scopesOf } from '../administration/roles-of-admin-api.ts';
import { type Administrator, mayGive } from '../administration/scopes.ts';
import { allow, type Decision, refuse } from '../decision.ts';
import { type AccountEnds, endAllWrites, linksEnd, loadAccountEnds } from '../login/end-sessions.ts';
import type { Moment, Reader } from '../ports/reader.ts';
import type { Write } from '../write.ts';
import type { Account, Identifier, Role } from './account.ts';
import { type MailLanguage, noticeWrites } from './notice.ts';
import type { PasswordCredential, PasswordProof } from './password-credential.ts';
import { isLocked, secondsToWait } from './throttle.ts';

/** The account whose password changes, and all that ends by it. */
export interface SetPasswordFacts {
  readonly account: Account | undefined;
  readonly credential: PasswordCredential | undefined;
  readonly roles: readonly Role[];
  readonly identifiers: readonly Identifier[];
  readonly ends: AccountEnds;
}

export const loadSetPassword = async (read: Reader, id: AccountId, moment: Moment): Promise<SetPasswordFacts> => ({
  account: await read.account(id),
  credential: await read.password(id),
  roles: await read.roles(id, undefined),
  identifiers: await read.identifiers(id),
  ends: await loadAccountEnds(read, id, moment),
});

export interface SetPasswordCommand {
  readonly administrator: Administrator;
  readonly id: AccountId;
  /** The new password's hash as a PHC string; the password was checked before it was hashed. */
  readonly phc: string;
  /** The audience of the admin API. */
  readonly adminApi: string;
  /** In which language its owner is told. */
  readonly language: MailLanguage;
}

/**
 * Decides that an administrator sets a password: every session and offline family ends, since nobody knows who holds
 * them, and so do links that were sent. The count of wrong guesses starts anew. Whoever has the password of an account is that account: so nobody sets
 * that of one that may do more in the admin API than they may themselves. Its owner is told.
 *
 * @returns `not_found`, `account_outranks`
 */
export function decideSetPassword(
  { account, roles, identifiers, ends }: SetPasswordFacts,
  { administrator, id, phc, adminApi, language }: SetPasswordCommand,
  { now }: Moment,
): Decision<undefined> {
  if (account === undefined) return refuse('not_found');
  if (!mayGive(administrator, scopesOf(roles, adminApi))) return refuse('account_outranks');
  return allow(undefined, [
    { kind: 'password.set', id, phc, at: now },
    linksEnd(id),
    ...endAllWrites(ends, { reason: 'password_changed', by: administrator.id, at: now }),
    auditOf('password.set', id, administrator.id, now),
    ...noticeWrites(identifiers, { kind: 'password_changed', language }, now),
  ]);
}

export interface ChangePasswordCommand {
  readonly id: AccountId;
  /** What became of the present password, which its owner has to give. */
  readonly proof: PasswordProof;
  readonly phc: string;
  /** The session that changes it, and goes on. */
  readonly sessionId: SessionId | undefined;
  /** In which language the mailboxes of the account are told. */
  readonly language: MailLanguage;
}

/**
 * Decides that its owner changes a password: the other sessions and the offline families end, by one event each, and so
 * do links that were sent: what they were asked for in may be over. The session that asks goes on, and what strangers
 * guess shuts nobody out of it.
 *
 * @returns `account_unknown`, `account_disabled`, `password_changed_meanwhile`, `password_locked`,
 *   `account_throttled`, `password_current_wrong`
 * @spec SP 800-63B-4 §3.2.2; ASVS 6.2.3, 7.4.3
 */
export function decideChangePassword(
  { account, credential, identifiers, ends }: SetPasswordFacts,
  { id, proof, phc, sessionId, language }: ChangePasswordCommand,
  { now }: Moment,
): Decision<undefined> {
  if (account === undefined || credential === undefined || proof.result === 'no_credential')
    return refuse('account_unknown');
  if (account.disabledAt !== undefined) return refuse('account_disabled');
  if (credential.version !== proof.version) return refuse('password_changed_meanwhile');
  const isKnown = proof.isFromKnownDevice === true;
  if (!isKnown && isLocked(credential)) return refuse('password_locked');
  if (!isKnown && secondsToWait(credential, now) > 0) return refuse('account_throttled');
  if (proof.result === 'mismatch') return refuse('password_current_wrong', [{ kind: 'password.fail', id, at: now }]);
  return allow(
    undefined,
    [
      { kind: 'password.set', id, phc, at: now },
      linksEnd(id),
      ...endAllWrites(ends, { reason: 'password_changed', by: id, at: now }, sessionId),
      auditOf('password.changed', id, id, now),
      ...noticeWrites(identifiers, { kind: 'password_changed', language }, now),
    ],
    [
      { table: 'account', id, version: account.version },
      { table: 'password', id, version: credential.version },
    ],
  );
}

const auditOf = (
  event: 'password.set' | 'password.changed',
  account: AccountId,
  actor: string,
  at: Moment['now'],
): Write => ({
  kind: 'audit.append',
  entry: { at, event, actor, subject: { account }, detail: {} },
});
