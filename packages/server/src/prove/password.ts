import { preparePassword } from '@latchkey/domain/accounts/password';
import type { PasswordCredential, PasswordProof } from '@latchkey/domain/accounts/password-credential';
import { fail, ok, type Result } from '@latchkey/protocol/result';
import type { AccountId } from '@latchkey/protocol/types';
import type { Refusal, Server } from '../server.ts';

/**
 * Looks at a password before any transaction is open, since a hash takes tens of milliseconds. The same work is done
 * where there is nothing to compare with; the version of the row goes along, for the decision to compare.
 *
 * @returns `overloaded` when too many hashes wait
 * @spec SP 800-63B-4 §3.1.1.2; ASVS 6.3.8 (PWD-11)
 */
export async function provePassword(
  accountId: AccountId | undefined,
  credential: PasswordCredential | undefined,
  password: string,
  server: Server,
): Promise<Result<PasswordProof, Refusal>> {
  const began = performance.now();
  const prepared = preparePassword(password);
  const verified = await server.passwords.verify(prepared ?? '', prepared === undefined ? undefined : credential?.phc);
  server.metrics.observe('latchkey_password_hash_seconds', (performance.now() - began) / 1000);
  if (!verified.ok) return fail({ error: 'overloaded', headers: { 'retry-after': '2' } });
  if (credential === undefined || accountId === undefined) return ok({ result: 'no_credential', accountId });
  const { version } = credential;
  if (!verified.value || prepared === undefined) return ok({ result: 'mismatch', accountId, version });
  if (!server.passwords.isOutdated(credential.phc)) return ok({ result: 'match', accountId, version });
  const rehashed = await server.passwords.hash(prepared);
  // a login does not fail because there is no room to hash anew; the next one will
  return ok({ result: 'match', accountId, version, ...(rehashed.ok ? { rehashed: rehashed.value } : {}) });
}
