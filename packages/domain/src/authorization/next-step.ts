import type { ErrorId } from '@latchkey/protocol/errors';
import { type EpochMilliseconds, seconds } from '@latchkey/protocol/types';
import type { Client } from '../clients/client.ts';
import type { ClientLogin, OwnLogin, Progress } from '../login/attempt.ts';
import type { Session } from '../login/session.ts';
import { type Asked, type Consent, needsConsent } from './consent.ts';

/** What a login needs next: something of the person, nothing more, or the answer that it cannot be. */
export type Step =
  | { readonly kind: 'sign_in'; readonly isAgain: boolean }
  | { readonly kind: 'choose_account' }
  | { readonly kind: 'consent'; readonly session: Session }
  | { readonly kind: 'issue'; readonly session: Session }
  | { readonly kind: 'answer'; readonly error: ErrorId };

/** What the next step depends on; the session is one that lives, or undefined. */
export interface StepFacts {
  readonly attempt: ClientLogin;
  readonly asked: Asked;
  readonly client: Client;
  readonly session: Session | undefined;
  readonly consent: Consent | undefined;
}

/**
 * The state machine of a login. Whoever asks for no page gets none: where a person would be needed, the answer says so.
 *
 * @spec OIDC Core §3.1.2.1, §3.1.2.3, §3.1.2.6
 */
export function nextStep(facts: StepFacts, now: EpochMilliseconds): Step {
  const { attempt, session, client, asked, consent } = facts;
  const { request, progress } = attempt;
  const isSilent = request.prompt.includes('none');
  const ask = (step: Step, error: ErrorId): Step => (isSilent ? { kind: 'answer', error } : step);
  // no level of assurance is defined yet, so that one that is essential cannot be reached
  if (request.essentialAcr !== undefined) return { kind: 'answer', error: 'authentication_requirements_unmet' };
  if (session === undefined) return ask({ kind: 'sign_in', isAgain: false }, 'login_required');

  const hasJustSignedIn = isFresh(progress, session);
  if (request.subject !== undefined && request.subject !== session.accountId) {
    if (hasJustSignedIn) return { kind: 'answer', error: 'login_required' };
    return ask({ kind: 'sign_in', isAgain: false }, 'login_required');
  }
  if (!hasJustSignedIn && (request.prompt.includes('login') || isTooOld(session, request.maxAge, now)))
    return ask({ kind: 'sign_in', isAgain: true }, 'login_required');
  if (request.prompt.includes('select_account') && !isChosen(progress, session)) return { kind: 'choose_account' };
  if (needsConsent(client, request, asked, consent)) return ask({ kind: 'consent', session }, 'consent_required');
  return { kind: 'issue', session };
}

/** What a login to one of our own pages needs next: a person, again if it was too long ago; undefined for nothing. */
export function ownPageStep(
  { page, progress }: OwnLogin,
  session: Session | undefined,
  now: EpochMilliseconds,
): Extract<Step, { kind: 'sign_in' }> | undefined {
  if (session === undefined) return { kind: 'sign_in', isAgain: false };
  return !isFresh(progress, session) && isTooOld(session, page.maxAge, now)
    ? { kind: 'sign_in', isAgain: true }
    : undefined;
}

/** Whether the person proved in this very login who they are. */
const isFresh = (progress: Progress, { id }: Session): boolean =>
  progress.stage === 'authenticated' && progress.sessionId === id;

/** Whether the person said in this login that it is this session that counts, or signed in to it. */
export const isChosen = (progress: Progress, { id }: Session): boolean =>
  progress.stage !== 'begun' && progress.sessionId === id;

/** @spec OIDC Core §3.1.2.1 (`max_age`; 0 asks for the password now) */
export const isTooOld = ({ authTime }: Session, maxAge: number | undefined, now: EpochMilliseconds): boolean =>
  maxAge !== undefined && (maxAge === 0 || seconds(now) - authTime > maxAge);
