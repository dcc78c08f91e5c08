import { LIMITS } from '@latchkey/protocol/limits';
import type { Sha256 } from '@latchkey/protocol/types';
import { allow, type Decision, refuse } from '../decision.ts';
import { type LinkFacts, loadLink, useOf, verifiedBy } from '../login/link-owner.ts';
import { isGoodFor } from '../login/one-time-link.ts';
import type { Moment, Reader } from '../ports/reader.ts';
import type { Identifier } from './account.ts';
import { identifierOf } from './identifier.ts';
import { noticeWrites } from './notice.ts';

/** Somebody holds a link that was sent to an address which an account has, or is to have. */
export interface VerifyEmailCommand {
  readonly hash: Sha256;
  readonly language: string;
}

export interface VerifyEmailFacts extends LinkFacts {
  /** The address, as some account has it. */
  readonly identifier: Identifier | undefined;
}

export async function loadVerifyEmail(read: Reader, { hash }: VerifyEmailCommand): Promise<VerifyEmailFacts> {
  const facts = await loadLink(read, hash);
  const address = facts.link?.address;
  return { ...facts, identifier: address === undefined ? undefined : await read.identifier(address.normalised) };
}

/**
 * Decides that an address is its account's: one that it has is verified, one that nobody has is added, and one that
 * somebody else has by now is neither. The other mailboxes of the account are told of one that was added, since
 * whoever reads it can set a new password from now on.
 *
 * @returns the address; `link_invalid`, `limit_reached`
 * @spec ASVS 6.3.7, 6.4.3 (PWD-13)
 */
export function decideVerifyEmail(
  { link, account, identifiers, identifier }: VerifyEmailFacts,
  { language }: VerifyEmailCommand,
  { now }: Moment,
): Decision<undefined> {
  if (!isGoodFor(link, 'verify_email', now)) return refuse('link_invalid');
  const { address } = link;
  if (account === undefined || account.disabledAt !== undefined || address === undefined)
    return refuse('link_invalid', [useOf(link)]);
  const expects = [{ table: 'account', id: account.id, version: account.version }] as const;
  if (identifier !== undefined)
    return identifier.accountId === account.id
      ? allow(undefined, [useOf(link), ...verifiedBy(identifier, now)], expects)
      : refuse('link_invalid', [useOf(link)]);
  if (identifiers.length >= LIMITS.identifiersPerAccountMax) return refuse('limit_reached');
  return allow(
    undefined,
    [
      useOf(link),
      { kind: 'identifier.add', identifier: identifierOf(address, account.id, now) },
      {
        kind: 'audit.append',
        entry: {
          at: now,
          event: 'identifier.added',
          actor: account.id,
          subject: { account: account.id },
          detail: { kind: 'email' },
        },
      },
      ...noticeWrites(identifiers, { kind: 'email_added', language }, now),
    ],
    expects,
  );
}
