import { DURATIONS } from '@latchkey/protocol/limits';
import {
  type AccountId,
  type AttemptId,
  type EpochMilliseconds,
  later,
  type NormalisedIdentifier,
  type SessionId,
  type Sha256,
} from '@latchkey/protocol/types';
import type { Account, Identifier } from '../accounts/account.ts';
import type { ParsedIdentifier } from '../accounts/identifier.ts';
import { isMailable } from '../accounts/mail-address.ts';
import type { PasswordCredential } from '../accounts/password-credential.ts';
import { allow, type Decision } from '../decision.ts';
import type { Moment, Reader } from '../ports/reader.ts';
import { isSessionLive } from '../tokens/liveness.ts';
import type { Write } from '../write.ts';
import type { LoginAttempt } from './attempt.ts';
import type { LinkPurpose, OneTimeLink } from './one-time-link.ts';
import type { Session } from './session.ts';

/** What a link can be asked for by mail. */
export const MAILED_PURPOSES = [
  'register',
  'verify_email',
  'reset_password',
  'sign_in',
] as const satisfies readonly LinkPurpose[];

export type MailedPurpose = (typeof MAILED_PURPOSES)[number];

/** A mail that somebody asked for. Whether there is anybody to get it, nobody has looked yet. */
export interface MailRequest {
  readonly purpose: MailedPurpose;
  /** As it was typed, and read. */
  readonly identifier: ParsedIdentifier;
  /** Whose address it is or is to be, where an address is to be verified. */
  readonly accountId: AccountId | undefined;
  /** The session that asked, where an address is to be verified. */
  readonly sessionId: SessionId | undefined;
  /** The login that it was asked for in. */
  readonly attemptId: AttemptId | undefined;
  /** In which language the mail is to be. */
  readonly language: string;
}

/** The topic of the outbox under which such requests wait. */
export const ACCOUNT_MAIL_TOPIC = 'account_mail';

/**
 * Puts a request where the worker finds it. This is all that a request handler does, for whatever was typed: it does the
 * same work, and knows no more than whoever asked, whether there is such an account or not.
 *
 * @spec ASVS 6.3.8 (PWD-12)
 */
export const askForMail = (
  { purpose, identifier, accountId, sessionId, attemptId, language }: MailRequest,
  at: EpochMilliseconds,
): Write => ({
  kind: 'outbox.enqueue',
  message: {
    topic: ACCOUNT_MAIL_TOPIC,
    body: {
      purpose,
      identifier: identifier.display,
      ...(accountId === undefined ? {} : { account: accountId }),
      ...(sessionId === undefined ? {} : { session: sessionId }),
      ...(attemptId === undefined ? {} : { login: attemptId }),
      language,
    },
    at,
  },
});

/** A request on its way to be a mail, and what was made for the link in it. */
export interface AccountMailCommand {
  readonly request: MailRequest;
  readonly askedAt: EpochMilliseconds;
  readonly hash: Sha256;
}

export interface AccountMailFacts {
  /** What was typed, as some account has it. */
  readonly identifier: Identifier | undefined;
  readonly account: Account | undefined;
  /** All identifiers of the account. */
  readonly identifiers: readonly Identifier[];
  readonly attempt: LoginAttempt | undefined;
  readonly session: Session | undefined;
  readonly credential: PasswordCredential | undefined;
}

/** Loads what `decideAccountMail` looks at. */
export async function loadAccountMail(read: Reader, { request }: AccountMailCommand): Promise<AccountMailFacts> {
  const identifier = await read.identifier(request.identifier.normalised);
  const accountId = request.accountId ?? identifier?.accountId;
  return {
    identifier,
    account: accountId === undefined ? undefined : await read.account(accountId),
    identifiers: accountId === undefined ? [] : await read.identifiers(accountId),
    attempt: request.attemptId === undefined ? undefined : await read.attempt(request.attemptId),
    session: request.sessionId === undefined ? undefined : await read.session(request.sessionId),
    credential: accountId === undefined ? undefined : await read.password(accountId),
  };
}

/** A mail that is to be sent: with a link, or to say that there is an account already. */
export interface AccountMail {
  readonly kind: MailedPurpose | 'account_exists';
  readonly to: NormalisedIdentifier;
}

/**
 * Decides which mail an asked one is, or that there is none: for an account that is unknown or disabled, for a login
 * or session that is over, for a request that is so old that whoever made it waits no longer, and for one from before
 * the password was set: whoever was shut out by that has asked for it, perhaps. The link that it issues takes the place
 * of the one before, so that a mail that was tried twice has one link that is good.
 *
 * A mail goes to an address that the account has, never to one that was only typed; a new account is an exception, and
 * its address is all that is known of it.
 *
 * @spec ASVS 6.4.1, 6.4.3, 6.6.2 (PWD-12, PWD-13, NUM-14)
 */
export function decideAccountMail(
  facts: AccountMailFacts,
  { request, askedAt, hash }: AccountMailCommand,
  { now }: Moment,
): Decision<AccountMail | undefined> {
  if (now >= later(askedAt, DURATIONS.oneTimeLink * 1000)) return allow(undefined);
  const { purpose } = request;
  if (purpose === 'register' && facts.identifier !== undefined) return allow(existing(facts.identifier));
  if (facts.credential !== undefined && facts.credential.changedAt > askedAt) return allow(undefined);
  const whose = whoseLink(facts, request, now);
  if (whose === undefined || !isMailable(whose.address)) return allow(undefined);
  const { normalised, kind, display } = whose.address;
  const link: OneTimeLink = {
    hash,
    purpose,
    subject: whose.accountId ?? normalised,
    accountId: whose.accountId,
    address: { kind, normalised, display },
    attemptId: request.attemptId,
    createdAt: now,
    expiresAt: later(now, DURATIONS.oneTimeLink * 1000),
  };
  return allow({ kind: purpose, to: normalised }, [{ kind: 'link.issue', link }]);
}

const existing = (identifier: Identifier): AccountMail | undefined =>
  isMailable(identifier) ? { kind: 'account_exists', to: identifier.normalised } : undefined;

/** Who gets a link, and where; undefined for nobody. */
function whoseLink(
  { identifier, account, identifiers, attempt, session }: AccountMailFacts,
  { purpose, identifier: typed }: MailRequest,
  now: EpochMilliseconds,
): { readonly accountId: AccountId | undefined; readonly address: ParsedIdentifier } | undefined {
  if (purpose === 'register') return { accountId: undefined, address: typed };
  if (account === undefined || account.disabledAt !== undefined) return undefined;
  const to = (address: ParsedIdentifier | undefined) =>
    address === undefined ? undefined : { accountId: account.id, address };
  switch (purpose) {
    case 'reset_password':
      return to(mailboxOf(identifier, identifiers));
    case 'sign_in':
      return attempt === undefined || now >= attempt.expiresAt ? undefined : to(mailboxOf(identifier, identifiers));
    case 'verify_email':
      return to(isSessionLive(session, now) && isToBeVerified(identifier, account) ? typed : undefined);
  }
}

/** The mailbox of whoever signs in under a name: the name itself, else the address that is known to be theirs. */
function mailboxOf(
  identifier: Identifier | undefined,
  identifiers: readonly Identifier[],
): ParsedIdentifier | undefined {
  if (identifier?.kind === 'email') return identifier;
  const emails = identifiers.filter(({ kind }) => kind === 'email');
  return emails.find(({ verifiedAt }) => verifiedAt !== undefined) ?? (emails.length === 1 ? emails[0] : undefined);
}

/** An address that is nobody's yet, or the account's own, not shown to be theirs so far. */
const isToBeVerified = (identifier: Identifier | undefined, { id }: Account): boolean =>
  identifier === undefined || (identifier.accountId === id && identifier.verifiedAt === undefined);
