import type { AttemptId, Sha256 } from '@latchkey/protocol/types';
import { allow, type Decision, refuse } from '../decision.ts';
import type { Moment, Reader } from '../ports/reader.ts';
import type { LoginAttempt } from './attempt.ts';
import {
  type BrowserSessionFacts,
  type BrowserSignIn,
  isWaitingIn,
  loadBrowserSession,
  startInBrowser,
} from './browser-session.ts';
import { type LinkFacts, loadLink, ownerOf, useOf, verifiedBy } from './link-owner.ts';

/** A sign-in by a link that was sent to the account's address. */
export interface SignInByLinkCommand extends BrowserSignIn {
  readonly hash: Sha256;
}

export interface SignInByLinkFacts extends LinkFacts, BrowserSessionFacts {
  /** The login that the link was asked for in. */
  readonly attempt: LoginAttempt | undefined;
}

/** Loads what `decideSignInByLink` looks at. */
export async function loadSignInByLink(
  read: Reader,
  command: SignInByLinkCommand,
  moment: Moment,
): Promise<SignInByLinkFacts> {
  const facts = await loadLink(read, command.hash);
  const attemptId = facts.link?.attemptId;
  const attempt = attemptId === undefined ? undefined : await read.attempt(attemptId);
  return {
    ...facts,
    attempt,
    ...(await loadBrowserSession(read, { attempt, cookie: command.cookie }, facts.account?.id, moment)),
  };
}

/**
 * Decides a sign-in by a link: only in the browser that asked for it, and only for the login in which it did. Elsewhere
 * the link stays as good as it was; nobody is to be signed in by a link that somebody else has asked for.
 *
 * @returns the login that goes on; `link_invalid`, `link_other_browser`
 * @spec RFC 8176 §2 (`otp`); SP 800-63B-4 §3.1.3.1; RFC 9700 §4.7
 */
export function decideSignInByLink(
  facts: SignInByLinkFacts,
  command: SignInByLinkCommand,
  moment: Moment,
): Decision<AttemptId> {
  const owner = ownerOf(facts, 'sign_in', moment.now);
  if (!owner.ok) return refuse(owner.error.error, owner.error.writes);
  const { link, account, address, expects } = owner.value;
  const { attempt } = facts;
  if (attempt === undefined || moment.now >= attempt.expiresAt) return refuse('link_invalid', [useOf(link)]);
  if (!isWaitingIn(attempt, command.browser, moment.now)) return refuse('link_other_browser');
  const started = startInBrowser(facts, { accountId: account.id, attempt, amr: ['otp'] }, command, moment);
  return allow(attempt.id, [useOf(link), ...verifiedBy(address, moment.now), ...started.writes], expects);
}
