import type { ErrorId } from '@latchkey/protocol/errors';
import { fail, ok, type Result } from '@latchkey/protocol/result';
import type { EpochMilliseconds, Sha256 } from '@latchkey/protocol/types';
import type { Account, Identifier } from '../accounts/account.ts';
import type { Reader } from '../ports/reader.ts';
import type { RowVersion } from '../row-version.ts';
import type { Write } from '../write.ts';
import { isGoodFor, type LinkPurpose, type OneTimeLink } from './one-time-link.ts';

/** A link, and the account that it is for. */
export interface LinkFacts {
  readonly link: OneTimeLink | undefined;
  readonly account: Account | undefined;
  /** All identifiers of the account. */
  readonly identifiers: readonly Identifier[];
}

export async function loadLink(read: Reader, hash: Sha256): Promise<LinkFacts> {
  const link = await read.link(hash);
  const accountId = link?.accountId;
  return {
    link,
    account: accountId === undefined ? undefined : await read.account(accountId),
    identifiers: accountId === undefined ? [] : await read.identifiers(accountId),
  };
}

/** An account that may be used, whose owner got the link at an address that it still has. */
export interface LinkOwner {
  readonly link: OneTimeLink;
  readonly account: Account;
  readonly identifiers: readonly Identifier[];
  /** The address that the link was sent to, as the account has it. */
  readonly address: Identifier;
  readonly expects: readonly RowVersion[];
}

/** Why a link is refused, and what is noted of it: one that can never be good any more goes. */
export interface LinkRefused {
  readonly error: ErrorId;
  readonly writes: readonly Write[];
}

/**
 * Finds the owner of a link. That the link is unknown, used, too old or for another purpose, that the account is
 * disabled, or has the address no longer, is all one to whoever presents it.
 *
 * @returns `link_invalid`
 * @spec ASVS 6.4.3 (PWD-13)
 */
export function ownerOf(
  { link, account, identifiers }: LinkFacts,
  purpose: LinkPurpose,
  now: EpochMilliseconds,
): Result<LinkOwner, LinkRefused> {
  if (!isGoodFor(link, purpose, now)) return fail({ error: 'link_invalid', writes: [] });
  const address = identifiers.find(({ normalised }) => normalised === link.address?.normalised);
  if (account === undefined || account.disabledAt !== undefined || address === undefined)
    return fail({ error: 'link_invalid', writes: [useOf(link)] });
  return ok({
    link,
    account,
    identifiers,
    address,
    expects: [{ table: 'account', id: account.id, version: account.version }],
  });
}

export const useOf = ({ hash }: OneTimeLink): Write => ({ kind: 'link.use', hash });

/** Whoever used a link that was sent to an address has shown that it is theirs. */
export const verifiedBy = (
  { normalised, accountId, verifiedAt }: Identifier,
  at: EpochMilliseconds,
): readonly Write[] =>
  verifiedAt !== undefined
    ? []
    : [
        { kind: 'identifier.verify', normalised, at },
        {
          kind: 'audit.append',
          entry: { at, event: 'identifier.verified', actor: accountId, subject: { account: accountId }, detail: {} },
        },
      ];
