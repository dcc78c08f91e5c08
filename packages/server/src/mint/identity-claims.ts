import type { Scope } from '@latchkey/protocol/scope';
import type { AccountId } from '@latchkey/protocol/types';
import type { Server } from '../server.ts';

/**
 * What is known of a person under the scopes that were allowed. No address is verified yet, and none is said to be.
 *
 * @spec OIDC Core §5.1, §5.4
 */
export async function identityClaims(
  accountId: AccountId,
  scope: Scope,
  server: Server,
): Promise<Readonly<Record<string, string | boolean>>> {
  if (!scope.includes('profile') && !scope.includes('email')) return {};
  const names = await server.store.read.identifiers(accountId);
  const displayOf = (kind: 'username' | 'email') => names.find((name) => name.kind === kind)?.display;
  const [username, email] = [displayOf('username'), displayOf('email')];
  return {
    ...(scope.includes('profile') && username !== undefined ? { preferred_username: username } : {}),
    ...(scope.includes('email') && email !== undefined ? { email, email_verified: false } : {}),
  };
}
