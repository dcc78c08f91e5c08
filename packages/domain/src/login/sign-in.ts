import type { AttemptId, SessionId } from '@latchkey/protocol/types';
import type { PasswordProof } from '../accounts/password-credential.ts';
import { allow, type Decision, refuse } from '../decision.ts';
import type { Moment, Reader } from '../ports/reader.ts';
import { type LoginAttempt, requesterOf } from './attempt.ts';
import {
  type BrowserSessionFacts,
  type BrowserSignIn,
  isWaitingIn,
  loadBrowserSession,
  startInBrowser,
} from './browser-session.ts';
import { checkPassword, type PasswordFacts } from './password-check.ts';

/** A password on the sign-in page, looked at beforehand. */
export interface SignInCommand extends BrowserSignIn {
  readonly attemptId: AttemptId;
  readonly proof: PasswordProof;
}

export interface SignInFacts extends PasswordFacts, BrowserSessionFacts {
  readonly attempt: LoginAttempt | undefined;
}

/** Loads what `decideSignIn` looks at. */
export async function loadSignIn(read: Reader, command: SignInCommand, moment: Moment): Promise<SignInFacts> {
  const { accountId } = command.proof;
  const attempt = await read.attempt(command.attemptId);
  return {
    attempt,
    account: accountId === undefined ? undefined : await read.account(accountId),
    credential: accountId === undefined ? undefined : await read.password(accountId),
    ...(await loadBrowserSession(read, { attempt, cookie: command.cookie }, accountId, moment)),
  };
}

/**
 * Decides a sign-in on the page with a password. What it does to the sessions of the browser is `startInBrowser`.
 *
 * @returns `authorization_request_unknown`, and what `checkPassword` refuses
 */
export function decideSignIn(facts: SignInFacts, command: SignInCommand, moment: Moment): Decision<SessionId> {
  const { attempt } = facts;
  if (!isWaitingIn(attempt, command.browser, moment.now)) return refuse('authorization_request_unknown');
  const checked = checkPassword(facts, command.proof, requesterOf(attempt), moment);
  if (!checked.ok) return refuse(checked.error.error, checked.error.writes);
  const { account, expects, writes } = checked.value;
  const started = startInBrowser(facts, { accountId: account.id, attempt, amr: ['pwd'] }, command, moment);
  return allow(started.id, [...writes, ...started.writes], expects);
}
