import type { ErrorId } from '@latchkey/protocol/errors';
import { fail, ok, type Result } from '@latchkey/protocol/result';
import type { AccountId } from '@latchkey/protocol/types';
import type { Account } from '../accounts/account.ts';
import type { PasswordCredential, PasswordProof } from '../accounts/password-credential.ts';
import { FREE_FAILURES, isLocked, secondsToWait } from '../accounts/throttle.ts';
import type { Moment } from '../ports/reader.ts';
import type { RowVersion } from '../row-version.ts';
import type { Write } from '../write.ts';

export interface PasswordFacts {
  readonly account: Account | undefined;
  readonly credential: PasswordCredential | undefined;
}

/** A password that is right, of an account that may be used: what it relied on, and what is noted of it. */
export interface PasswordAccepted {
  readonly account: Account;
  readonly expects: readonly RowVersion[];
  readonly writes: readonly Write[];
}

/** Why a password is not accepted, and what is noted of it. */
export interface PasswordRefused {
  readonly error: ErrorId;
  readonly writes: readonly Write[];
}

/**
 * Compares what was proved with the row as it is now; a wrong guess is counted there, where it survives a restart. That
 * an account is unknown, disabled or locked is told to the log, and to nobody else.
 *
 * @returns `account_unknown`, `account_without_password`, `password_changed_meanwhile`, `account_throttled`,
 *   `password_locked`, `credentials_invalid`, `account_disabled`
 * @spec SP 800-63B-4 §3.2.2 (limits of guessing); ASVS 6.1.1 (PWD-10: strangers lock nobody out of a known device)
 */
export function checkPassword(
  { account, credential }: PasswordFacts,
  proof: PasswordProof,
  client: string,
  moment: Moment,
): Result<PasswordAccepted, PasswordRefused> {
  const refused = (error: ErrorId, writes: readonly Write[] = []) => fail({ error, writes });
  if (account === undefined) return refused('account_unknown');
  if (credential === undefined || proof.result === 'no_credential') return refused('account_without_password');
  if (credential.version !== proof.version) return refused('password_changed_meanwhile');
  const isKnown = proof.isFromKnownDevice === true;
  if (!isKnown && isLocked(credential)) return refused('password_locked');
  if (!isKnown && secondsToWait(credential, moment.now) > 0) return refused('account_throttled');
  if (proof.result === 'mismatch') return refused('credentials_invalid', failed(account.id, client, moment));
  if (account.disabledAt !== undefined) return refused('account_disabled', failed(account.id, client, moment));
  const rehash: readonly Write[] =
    proof.rehashed === undefined
      ? []
      : [{ kind: 'password.rehash', id: account.id, version: credential.version, phc: proof.rehashed }];
  // a success on a known device says nothing of those who guess elsewhere: they go on waiting
  const isReset = credential.failures > 0 && !(isKnown && credential.failures >= FREE_FAILURES);
  const reset: readonly Write[] = isReset ? [{ kind: 'password.succeed', id: account.id }] : [];
  return ok({
    account,
    expects: [
      { table: 'account', id: account.id, version: account.version },
      { table: 'password', id: account.id, version: credential.version },
    ],
    writes: [...reset, ...rehash],
  });
}

const failed = (account: AccountId, client: string, { now }: Moment): readonly Write[] => [
  { kind: 'password.fail', id: account, at: now },
  {
    kind: 'audit.append',
    entry: { at: now, event: 'login.failed', actor: client, subject: { account, client }, detail: {} },
  },
];
