import type { AttemptId, Sha256 } from '@latchkey/protocol/types';
import { allow, type Decision, refuse } from '../decision.ts';
import { type AccountEnds, endAllWrites, linksEnd, loadAccountEnds } from '../login/end-sessions.ts';
import { type LinkFacts, loadLink, ownerOf, useOf, verifiedBy } from '../login/link-owner.ts';
import type { Moment, Reader } from '../ports/reader.ts';
import { noticeWrites } from './notice.ts';

/** A new password, set by whoever holds a link that was sent to the account's address. */
export interface ResetPasswordCommand {
  readonly hash: Sha256;
  /** The new password's hash as a PHC string; the password was checked before it was hashed. */
  readonly phc: string;
  readonly language: string;
}

export interface ResetPasswordFacts extends LinkFacts {
  readonly ends: AccountEnds;
}

export async function loadResetPassword(
  read: Reader,
  { hash }: ResetPasswordCommand,
  moment: Moment,
): Promise<ResetPasswordFacts> {
  const facts = await loadLink(read, hash);
  return {
    ...facts,
    ends:
      facts.account === undefined
        ? { sessions: [], offline: [], pairwise: [] }
        : await loadAccountEnds(read, facts.account.id, moment),
  };
}

/**
 * Decides a reset. The link is used up, every other link, session and offline family ends, the count of wrong guesses starts anew,
 * and every mailbox of the account is told. Nobody is signed in by it: whatever else a sign-in asks for, it will ask.
 *
 * @returns the login in which it was asked for; `link_invalid`
 * @spec SP 800-63B-4 §4.2; ASVS 6.4.3, 7.4.3 (PWD-13, PWD-14, SES-05)
 */
export function decideResetPassword(
  facts: ResetPasswordFacts,
  { phc, language }: ResetPasswordCommand,
  { now }: Moment,
): Decision<AttemptId | undefined> {
  const owner = ownerOf(facts, 'reset_password', now);
  if (!owner.ok) return refuse(owner.error.error, owner.error.writes);
  const { link, account, identifiers, address, expects } = owner.value;
  const { id } = account;
  return allow(
    link.attemptId,
    [
      useOf(link),
      linksEnd(id),
      { kind: 'password.set', id, phc, at: now },
      ...verifiedBy(address, now),
      ...endAllWrites(facts.ends, { reason: 'password_changed', by: id, at: now }),
      {
        kind: 'audit.append',
        entry: { at: now, event: 'password.reset', actor: id, subject: { account: id }, detail: {} },
      },
      ...noticeWrites(identifiers, { kind: 'password_changed', language }, now),
    ],
    expects,
  );
}
