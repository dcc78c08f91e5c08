import type { Identifier } from '@latchkey/domain/accounts/account';
import type { Profile } from '@latchkey/domain/accounts/profile';
import { type AccountId, seconds } from '@latchkey/protocol/types';
import type { Server } from '../server.ts';

/**
 * What is known of a person, as far as these claims ask for it. Of several addresses it is one
 * that they have shown to be theirs, if there is one.
 *
 * @spec OIDC Core §5.1, §5.4
 */
export async function identityClaims(
  accountId: AccountId,
  asked: readonly string[],
  { store: { read } }: Server,
): Promise<Readonly<Record<string, unknown>>> {
  if (asked.length === 0) return {};
  const known = {
    ...identified(await read.identifiers(accountId)),
    ...profiled(await read.profile(accountId)),
  };
  return Object.fromEntries(Object.entries(known).filter(([claim]) => asked.includes(claim)));
}

function identified(names: readonly Identifier[]): Readonly<Record<string, unknown>> {
  const username = names.find(({ kind }) => kind === 'username');
  const emails = names.filter(({ kind }) => kind === 'email');
  const email = emails.find(({ verifiedAt }) => verifiedAt !== undefined) ?? emails[0];
  return {
    ...(username === undefined ? {} : { preferred_username: username.display }),
    ...(email === undefined ? {} : { email: email.display, email_verified: email.verifiedAt !== undefined }),
  };
}

function profiled(profile: Profile | undefined): Readonly<Record<string, unknown>> {
  if (profile === undefined) return {};
  const { phone_number_verified: verified = false, ...claims } = profile.claims;
  return {
    ...claims,
    ...(claims.phone_number === undefined ? {} : { phone_number_verified: verified }),
    updated_at: seconds(profile.updatedAt),
  };
}
