import type { ErrorId } from '@latchkey/protocol/errors';
import { type EpochMilliseconds, seconds } from '@latchkey/protocol/types';
import type { Client } from '../clients/client.ts';
import type { ClientLogin, OwnLogin, Progress } from '../login/attempt.ts';
import type { Session } from '../login/session.ts';
import { type Assurance, canReach, hasLevel } from './assurance.ts';
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
  readonly assurance: Assurance;
}

/**
 * The state machine of a login. Whoever asks for no page gets none: where a person would be needed, the answer says so.
 *
 * @spec OIDC Core §3.1.2.1, §3.1.2.3, §3.1.2.6, §5.5.1.1
 */
export function nextStep(facts: StepFacts, now: EpochMilliseconds): Step {
  const { attempt, session, client, asked, consent } = facts;
  const { request, progress } = attempt;
  const isSilent = request.prompt.includes('none');
  const ask = (step: Step, error: ErrorId): Step => (isSilent ? { kind: 'answer', error } : step);
  const essential = levelStep(facts, now);
  if (essential?.kind === 'answer') return essential;
  if (session === undefined) return ask({ kind: 'sign_in', isAgain: false }, 'login_required');

  const hasJustSignedIn = isFresh(progress, session);
  if (request.subject !== undefined && request.subject !== session.accountId) {
    if (hasJustSignedIn) return { kind: 'answer', error: 'login_required' };
    return ask({ kind: 'sign_in', isAgain: false }, 'login_required');
  }
  if (!hasJustSignedIn && (request.prompt.includes('login') || isTooOld(session, request.maxAge, now)))
    return ask({ kind: 'sign_in', isAgain: true }, 'login_required');
  if (essential !== undefined) return ask(essential, 'login_required');
  if (!isSilent && !hasJustSignedIn && isWorthSigningIn(facts, session, now)) return { kind: 'sign_in', isAgain: true };
  if (request.prompt.includes('select_account') && !isChosen(progress, session)) return { kind: 'choose_account' };
  if (needsConsent(client, request, asked, consent)) return ask({ kind: 'consent', session }, 'consent_required');
  return { kind: 'issue', session };
}

/**
 * What an essential level of assurance still needs: a sign-in; or the answer that none will do. Whoever signed in just
 * now and has it not would sign in the same way again, and that helps only where it was lost to the time since then.
 *
 * @spec OIDC Core §5.5.1.1; OpenID Connect Core Error Code unmet_authentication_requirements §2
 */
function levelStep(
  { attempt, session, assurance }: StepFacts,
  now: EpochMilliseconds,
): Extract<Step, { kind: 'sign_in' | 'answer' }> | undefined {
  const { request, progress } = attempt;
  const wanted = request.essentialAcr;
  if (wanted === undefined) return undefined;
  if (session !== undefined && hasLevel(session, wanted, assurance.levels, now)) return undefined;
  const hasJustSignedIn = session !== undefined && isFresh(progress, session);
  const methods = hasJustSignedIn ? session.amr : assurance.methods;
  return canReach(wanted, { ...assurance, methods })
    ? { kind: 'sign_in', isAgain: session !== undefined }
    : { kind: 'answer', error: 'authentication_requirements_unmet' };
}

/**
 * Whether a new sign-in would bring a level of assurance that is wished for and not there.
 *
 * @spec OIDC Core §3.1.2.1 (`acr_values` is voluntary); RFC 9470 §4, §5 (RSV-11)
 */
const isWorthSigningIn = (
  { attempt: { request }, assurance }: StepFacts,
  session: Session,
  now: EpochMilliseconds,
): boolean =>
  request.essentialAcr === undefined &&
  !hasLevel(session, request.acrValues, assurance.levels, now) &&
  canReach(request.acrValues, assurance);

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
