import type { AccountId, AttemptId, Sha256 } from '@latchkey/protocol/types';
import { allow, type Decision, refuse } from '../decision.ts';
import type { LoginAttempt } from '../login/attempt.ts';
import {
  type BrowserSessionFacts,
  type BrowserSignIn,
  isWaitingIn,
  loadBrowserSession,
  type StartedInBrowser,
  startInBrowser,
} from '../login/browser-session.ts';
import { useOf } from '../login/link-owner.ts';
import { isGoodFor, type OneTimeLink } from '../login/one-time-link.ts';
import type { Moment, Reader } from '../ports/reader.ts';
import type { Account, Identifier } from './account.ts';
import { identifierOf, type ParsedIdentifier } from './identifier.ts';

/** A new account, made by whoever holds a link that was sent to its address. */
export interface RegisterCommand {
  readonly hash: Sha256;
  readonly id: AccountId;
  /** A name beside the address, if it is to have one. */
  readonly username: ParsedIdentifier | undefined;
  readonly phc: string;
  /** The browser, if it is one in which a login could wait. */
  readonly signIn: BrowserSignIn | undefined;
}

export interface RegisterFacts extends BrowserSessionFacts {
  readonly link: OneTimeLink | undefined;
  /** The account that has the address by now. */
  readonly addressTaken: Identifier | undefined;
  readonly usernameTaken: Identifier | undefined;
  readonly attempt: LoginAttempt | undefined;
}

/** Loads what `decideRegister` looks at. */
export async function loadRegister(read: Reader, command: RegisterCommand, moment: Moment): Promise<RegisterFacts> {
  const link = await read.link(command.hash);
  const { username, signIn } = command;
  const attempt = link?.attemptId === undefined ? undefined : await read.attempt(link.attemptId);
  return {
    link,
    addressTaken: link?.address === undefined ? undefined : await read.identifier(link.address.normalised),
    usernameTaken: username === undefined ? undefined : await read.identifier(username.normalised),
    attempt,
    ...(await loadBrowserSession(read, { attempt, cookie: signIn?.cookie }, undefined, moment)),
  };
}

export interface Registered {
  readonly accountId: AccountId;
  /** The login that goes on, where one waits in this browser. */
  readonly attemptId: AttemptId | undefined;
}

/**
 * Decides a new account whose owner has shown that its address is theirs. Where the login in which they asked for it
 * waits in this very browser, they are signed in to it; elsewhere nobody is, since a link may be opened anywhere.
 *
 * @returns `link_invalid`, `identifier_taken` for a name that somebody has
 * @spec ASVS 6.3.8 (PWD-12, PWD-13)
 */
export function decideRegister(facts: RegisterFacts, command: RegisterCommand, moment: Moment): Decision<Registered> {
  const { link } = facts;
  const { now } = moment;
  const { id, username, phc } = command;
  if (!isGoodFor(link, 'register', now) || link.address === undefined) return refuse('link_invalid');
  if (facts.addressTaken !== undefined) return refuse('link_invalid', [useOf(link)]);
  if (facts.usernameTaken !== undefined) return refuse('identifier_taken');
  const account: Account = { id, version: 1, createdAt: now, disabledAt: undefined, cutOff: undefined };
  const identifiers = [
    identifierOf(link.address, id, now),
    ...(username === undefined ? [] : [identifierOf(username, id)]),
  ];
  const started = signedIn(facts, command, moment);
  return allow({ accountId: id, attemptId: started === undefined ? undefined : link.attemptId }, [
    useOf(link),
    { kind: 'account.create', account, identifiers },
    { kind: 'password.set', id, phc, at: now },
    {
      kind: 'audit.append',
      entry: {
        at: now,
        event: 'account.created',
        actor: id,
        subject: { account: id },
        detail: { identifiers: identifiers.length, password: true },
      },
    },
    ...(started?.writes ?? []),
  ]);
}

function signedIn(facts: RegisterFacts, { id, signIn }: RegisterCommand, moment: Moment): StartedInBrowser | undefined {
  const { attempt } = facts;
  if (signIn === undefined || !isWaitingIn(attempt, signIn.browser, moment.now)) return undefined;
  return startInBrowser(facts, { accountId: id, attempt, amr: ['pwd'] }, signIn, moment);
}
