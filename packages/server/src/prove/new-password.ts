import { checkNewPassword } from '@latchkey/domain/accounts/password';
import { decideUncheckedPassword } from '@latchkey/domain/accounts/unchecked-password';
import { fail, type Result } from '@latchkey/protocol/result';
import type { AccountId } from '@latchkey/protocol/types';
import type { Refusal, Server } from '../server.ts';

/** Whose password it is to be: `accountId` is undefined for an account that is only being made. */
export interface PasswordOwner {
  readonly accountId: AccountId | undefined;
  readonly identifiers: readonly string[];
}

/**
 * Checks a new password, and hashes it: what costs nothing first, then whether a breach has made it known, then the work.
 * Where that could not be found out, the password is taken and the audit log says so.
 *
 * @returns the PHC string; what `checkNewPassword` refuses, `password_breached`, `overloaded`
 * @spec SP 800-63B-4 §3.1.1.2; ASVS 6.2.12 (PWD-05, PWD-06)
 */
export async function hashNewPassword(
  text: string,
  { accountId, identifiers }: PasswordOwner,
  server: Server,
): Promise<Result<string, Refusal>> {
  const service = new URL(server.settings.issuer).hostname;
  const checked = checkNewPassword(text, [...identifiers, service, server.settings.pagesName, 'latchkey']);
  if (!checked.ok) return fail({ error: checked.error });
  const verdict = await server.breachedPasswords.verdictOn(checked.value);
  if (verdict === 'breached') return fail({ error: 'password_breached' });
  if (verdict === 'unknown')
    await server.commit(
      () => Promise.resolve(),
      (_, moment) => decideUncheckedPassword(accountId, moment),
    );
  const phc = await server.passwords.hash(checked.value);
  return phc.ok ? phc : fail({ error: 'overloaded', headers: { 'retry-after': '2' } });
}
