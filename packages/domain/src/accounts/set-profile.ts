import type { AccountId } from '@latchkey/protocol/types';
import type { Administrator } from '../administration/scopes.ts';
import { allow, type Decision, refuse } from '../decision.ts';
import type { AccountReader, Moment } from '../ports/reader.ts';
import type { Account } from './account.ts';
import type { Profile, ProfileClaims } from './profile.ts';

/** A profile, read beforehand, in the place of the one before. */
export interface SetProfileCommand {
  readonly id: AccountId;
  readonly by: Administrator | 'owner';
  readonly claims: ProfileClaims;
}

export interface SetProfileFacts {
  readonly account: Account | undefined;
  readonly profile: Profile | undefined;
}

export const loadSetProfile = async (
  read: Pick<AccountReader, 'account' | 'profile'>,
  id: AccountId,
): Promise<SetProfileFacts> => ({ account: await read.account(id), profile: await read.profile(id) });

/**
 * Decides what is known of a person. That a telephone number was verified is for an administrator to say; of the
 * owner's profile it stays true for as long as the number stays. The audit log names what changed, and no value.
 *
 * @returns `not_found`, `account_disabled` where its owner asks
 * @spec OIDC Core §5.1
 */
export function decideSetProfile(
  { account, profile: before }: SetProfileFacts,
  { id, by, claims: wanted }: SetProfileCommand,
  { now }: Moment,
): Decision<Profile | undefined> {
  if (account === undefined) return refuse('not_found');
  if (by === 'owner' && account.disabledAt !== undefined) return refuse('account_disabled');
  const claims = by === 'owner' ? asOwner(wanted, before?.claims) : wanted;
  const fields = changed(before?.claims ?? {}, claims);
  if (fields.length === 0) return allow(before);
  const profile: Profile = { accountId: id, version: (before?.version ?? 0) + 1, claims, updatedAt: now };
  return allow(profile, [
    { kind: 'profile.set', profile },
    {
      kind: 'audit.append',
      entry: {
        at: now,
        event: 'profile.changed',
        actor: by === 'owner' ? id : by.id,
        subject: { account: id },
        detail: { fields: fields.join(' ') },
      },
    },
  ]);
}

function asOwner({ phone_number_verified: _, ...said }: ProfileClaims, before: ProfileClaims = {}): ProfileClaims {
  const isKept = before.phone_number_verified === true && before.phone_number === said.phone_number;
  return isKept ? { ...said, phone_number_verified: true } : said;
}

/** The claims that are not the same in both. They are read in one order, so that equal ones are equal as JSON. */
function changed(before: ProfileClaims, after: ProfileClaims): readonly string[] {
  const [old, fresh] = [before, after].map((claims): ReadonlyMap<string, unknown> => new Map(Object.entries(claims)));
  const names = new Set([...Object.keys(before), ...Object.keys(after)]);
  return [...names].filter((name) => JSON.stringify(old?.get(name)) !== JSON.stringify(fresh?.get(name))).sort();
}
