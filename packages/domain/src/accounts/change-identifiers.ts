import { LIMITS } from '@latchkey/protocol/limits';
import type { AccountId } from '@latchkey/protocol/types';
import { allow, type Decision, refuse } from '../decision.ts';
import { linksEnd } from '../login/end-sessions.ts';
import type { AccountReader, Moment } from '../ports/reader.ts';
import type { Write } from '../write.ts';
import type { Identifier } from './account.ts';
import { identifierOf, type ParsedIdentifier } from './identifier.ts';
import { type MailLanguage, noticeWrites } from './notice.ts';

export interface AddIdentifierFacts {
  readonly own: readonly Identifier[];
  /** Whoever has it already. */
  readonly taken: Identifier | undefined;
}

export const loadAddIdentifier = async (
  read: Pick<AccountReader, 'identifier' | 'identifiers'>,
  account: AccountId,
  { normalised }: ParsedIdentifier,
): Promise<AddIdentifierFacts> => ({
  own: await read.identifiers(account),
  taken: await read.identifier(normalised),
});

export interface AddUsernameCommand {
  readonly account: AccountId;
  readonly parsed: ParsedIdentifier;
  /** In which language the mailboxes of the account are told. */
  readonly language: MailLanguage;
}

/**
 * Decides that a person gets one more user name. That somebody else has it cannot be hidden from whoever wants it. An
 * e-mail address comes in by a link that is sent there, and not by this. Every mailbox of the account is told.
 *
 * @returns `identifier_invalid` for one that is no user name, `identifier_taken`, `limit_reached`
 */
export function decideAddUsername(
  { own, taken }: AddIdentifierFacts,
  { account, parsed, language }: AddUsernameCommand,
  { now }: Moment,
): Decision<undefined> {
  if (parsed.kind !== 'username') return refuse('identifier_invalid');
  if (taken?.accountId === account) return allow(undefined);
  if (taken !== undefined) return refuse('identifier_taken');
  if (own.length >= LIMITS.identifiersPerAccountMax) return refuse('limit_reached');
  return allow(undefined, [
    { kind: 'identifier.add', identifier: identifierOf(parsed, account) },
    auditOf('identifier.added', account, parsed.kind, now),
    ...noticeWrites(own, { kind: 'name_added', language }, now),
  ]);
}

export interface RemoveIdentifierCommand {
  readonly account: AccountId;
  readonly name: string;
  readonly language: MailLanguage;
}

/**
 * Decides that a person gives up one of their identifiers, named in its normalised form. It is free for others from then
 * on, and does not come back by a link that was sent before. Every mailbox of the account is told, the one that goes too.
 *
 * @returns `not_found` for one that is not theirs, `identifier_last`
 */
export function decideRemoveIdentifier(
  own: readonly Identifier[],
  { account, name, language }: RemoveIdentifierCommand,
  { now }: Moment,
): Decision<undefined> {
  const found = own.find(({ normalised }) => normalised === name);
  if (found === undefined) return refuse('not_found');
  if (own.length === 1) return refuse('identifier_last');
  return allow(undefined, [
    { kind: 'identifier.remove', normalised: found.normalised, accountId: account },
    ...(found.kind === 'email' ? [linksEnd(account)] : []),
    auditOf('identifier.removed', account, found.kind, now),
    ...noticeWrites(own, { kind: 'name_removed', language }, now),
  ]);
}

/** The log says which kind it was: the name itself is the person's. */
const auditOf = (
  event: 'identifier.added' | 'identifier.removed',
  account: AccountId,
  kind: Identifier['kind'],
  at: Moment['now'],
): Write => ({
  kind: 'audit.append',
  entry: { at, event, actor: account, subject: { account }, detail: { kind } },
});
