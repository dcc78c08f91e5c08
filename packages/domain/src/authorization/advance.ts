import type { ErrorId } from '@latchkey/protocol/errors';
import { DURATIONS } from '@latchkey/protocol/limits';
import {
  type EpochMilliseconds,
  type FamilyId,
  later,
  type ResourceIdentifier,
  type Sha256,
} from '@latchkey/protocol/types';
import type { Account, Role } from '../accounts/account.ts';
import { askedByRoles } from '../administration/roles-of-admin-api.ts';
import type { Client } from '../clients/client.ts';
import type { Resource } from '../clients/resource.ts';
import { allow, type Decision, refuse } from '../decision.ts';
import type { ClientLogin, LoginAttempt, OwnLogin, OwnPage } from '../login/attempt.ts';
import type { Session } from '../login/session.ts';
import type { Moment, Reader } from '../ports/reader.ts';
import { isAccountLive, isClientLive, isSessionLive } from '../tokens/liveness.ts';
import type { Write } from '../write.ts';
import { askedOf, loadResources, resourcesOf } from './asked.ts';
import { type Assurance, acrOf } from './assurance.ts';
import type { AuthorizationCode } from './code.ts';
import { type Asked, type Consent, extended } from './consent.ts';
import { isChosen, nextStep, ownPageStep, type Step } from './next-step.ts';

/** A login that goes one step on, with what was made for its end beforehand. */
export interface AdvanceCommand {
  /** The login as it begins; or the id and the browser of one that waits. */
  readonly login: { readonly begun: LoginAttempt } | { readonly waiting: Pick<LoginAttempt, 'id' | 'browser'> };
  /** Hash of the browser's session cookie, if it has one. */
  readonly cookie: Sha256 | undefined;
  /** What the person said on the page, if they said something. */
  readonly said: 'nothing' | 'allow' | 'deny' | 'this_account';
  readonly codeHash: Sha256;
  readonly familyId: FamilyId;
  readonly codeSeconds: number;
  readonly issuer: ResourceIdentifier;
  readonly assurance: Assurance;
  /** The audience of the admin API. */
  readonly adminApi: string;
  /** True for a request by POST: it is kept, and goes on when the browser comes with its cookies. */
  readonly isKeptOnly: boolean;
}

export interface AdvanceFacts {
  readonly attempt: LoginAttempt | undefined;
  readonly client: Client | undefined;
  readonly resources: readonly Resource[];
  readonly session: Session | undefined;
  readonly account: Account | undefined;
  /** What the account is at the admin API. */
  readonly roles: readonly Role[];
  readonly consent: Consent | undefined;
}

/** How a login stands: it waits for a page, its request is answered by a code or an error, or our own page is open. */
export type Advanced =
  | {
      readonly kind: 'page';
      readonly step: Exclude<Step, { kind: 'issue' | 'answer' }>;
      readonly attempt: LoginAttempt;
    }
  | { readonly kind: 'kept'; readonly attempt: ClientLogin }
  | { readonly kind: 'code'; readonly attempt: ClientLogin }
  | { readonly kind: 'error'; readonly error: ErrorId; readonly attempt: ClientLogin }
  | { readonly kind: 'own_page'; readonly path: OwnPage['path'] };

/** Loads what `decideAdvance` looks at. */
export async function loadAdvance(read: Reader, command: AdvanceCommand): Promise<AdvanceFacts> {
  const { login, cookie } = command;
  const attempt = 'begun' in login ? login.begun : await read.attempt(login.waiting.id);
  if (attempt === undefined) return NOTHING;
  const request = 'request' in attempt ? attempt.request : undefined;
  const client = request === undefined ? undefined : await read.client(request.clientId);
  const session = cookie === undefined ? undefined : await read.sessionByCookie(cookie);
  const isOf = session !== undefined && client !== undefined;
  const identifiers = request === undefined || client === undefined ? [] : resourcesOf(request, client, command.issuer);
  const isAdministration = isOf && identifiers.some((identifier) => identifier === command.adminApi);
  return {
    attempt,
    client,
    resources: await loadResources(read, identifiers),
    session,
    account: session === undefined ? undefined : await read.account(session.accountId),
    roles: isAdministration ? await read.roles(session.accountId, command.adminApi) : [],
    consent: isOf ? await read.consent(session.accountId, client.id) : undefined,
  };
}

const NOTHING: AdvanceFacts = {
  attempt: undefined,
  client: undefined,
  resources: [],
  session: undefined,
  account: undefined,
  roles: [],
  consent: undefined,
};

/**
 * Decides how a login goes on: what it needs next of the person, or the code that answers its request. What the browser
 * says counts only for the login that it began, and only for the page that the login waits with.
 *
 * @returns `authorization_request_unknown`, `client_deleted`
 * @spec RFC 6749 §4.1.1, §4.1.2; OIDC Core §3.1.2
 */
export function decideAdvance(facts: AdvanceFacts, command: AdvanceCommand, moment: Moment): Decision<Advanced> {
  const attempt = attemptOf(facts.attempt, command, moment.now);
  if (attempt === undefined) return refuse('authorization_request_unknown');
  return 'page' in attempt
    ? advanceToOwnPage(attempt, facts, command, moment)
    : advanceToClient(attempt, facts, command, moment);
}

/** A login to one of our own pages needs nothing but a person who proved lately enough who they are. */
function advanceToOwnPage(
  attempt: OwnLogin,
  facts: AdvanceFacts,
  command: AdvanceCommand,
  moment: Moment,
): Decision<Advanced> {
  const isStored = 'waiting' in command.login;
  const over: readonly Write[] = isStored ? [{ kind: 'attempt.remove', id: attempt.id }] : [];
  if (command.said === 'deny') return allow({ kind: 'own_page', path: '/' }, over);
  const session = isSignedIn(facts, moment) ? facts.session : undefined;
  const step = ownPageStep(attempt, session, moment.now);
  if (step === undefined) return allow({ kind: 'own_page', path: attempt.page.path }, over);
  return allow({ kind: 'page', step, attempt }, isStored ? [] : [{ kind: 'attempt.store', attempt }]);
}

function advanceToClient(
  attempt: ClientLogin,
  facts: AdvanceFacts,
  command: AdvanceCommand,
  moment: Moment,
): Decision<Advanced> {
  const { client } = facts;
  if (client === undefined || !isClientLive(client, moment.position)) return refuse('client_deleted');
  const expects = [{ table: 'client', id: client.id, version: client.version }] as const;
  const isStored = 'waiting' in command.login;
  const over: readonly Write[] = isStored ? [{ kind: 'attempt.remove', id: attempt.id }] : [];
  const answer = (error: ErrorId, writes: readonly Write[] = []): Decision<Advanced> =>
    allow({ kind: 'error', error, attempt }, [...over, ...writes], expects);

  const asked = askedOf(attempt.request, client, facts.resources, command.issuer);
  if (!asked.ok) return answer(asked.error);
  if (command.isKeptOnly) return allow({ kind: 'kept', attempt }, [{ kind: 'attempt.store', attempt }], expects);
  const session = isSignedIn(facts, moment) ? facts.session : undefined;
  const chosen = command.said === 'this_account' ? chosenBy(attempt, session) : attempt;
  const { assurance } = command;
  const allowable = askedByRoles(asked.value, facts.resources, facts.roles, command.adminApi);
  const standing = { attempt: chosen, client, session, consent: facts.consent, assurance };
  const step = nextStep({ ...standing, asked: allowable ?? asked.value }, moment.now);
  if (step.kind === 'answer') return answer(step.error);
  if (command.said === 'deny')
    return answer('access_denied', session === undefined ? [] : [denied(session, client, moment)]);
  if (step.kind === 'issue' || step.kind === 'consent') {
    if (allowable === undefined) return answer('admin_role_missing');
    if (step.kind === 'issue' || command.said === 'allow') {
      const given =
        step.kind === 'consent' ? consentWrites(facts.consent, step.session, client, allowable, moment) : [];
      const code = codeOf(chosen, step.session, allowable, command, moment);
      return allow(
        { kind: 'code', attempt },
        [...over, ...given, { kind: 'code.issue', code }, ...seen(step.session, moment)],
        expects,
      );
    }
  }
  if (isStored && chosen === attempt) return allow({ kind: 'page', step, attempt }, [], expects);
  return allow({ kind: 'page', step, attempt: chosen }, [{ kind: 'attempt.store', attempt: chosen }], expects);
}

/** The login, if it is one of this browser and its time is not over. */
function attemptOf(
  attempt: LoginAttempt | undefined,
  { login }: AdvanceCommand,
  now: EpochMilliseconds,
): LoginAttempt | undefined {
  if ('begun' in login) return login.begun;
  return attempt?.browser === login.waiting.browser && now < attempt.expiresAt ? attempt : undefined;
}

const chosenBy = (attempt: ClientLogin, session: Session | undefined): ClientLogin =>
  session === undefined || isChosen(attempt.progress, session)
    ? attempt
    : { ...attempt, version: attempt.version + 1, progress: { stage: 'chosen', sessionId: session.id } };

/** Whether the browser's session may speak for its account now. */
export function isSignedIn(
  { session, account }: Pick<AdvanceFacts, 'session' | 'account'>,
  { now }: Pick<Moment, 'now'>,
): boolean {
  if (session?.cookie === undefined || !isSessionLive(session, now)) return false;
  return isAccountLive(account, session.pos) && now < later(session.cookie.seenAt, session.cookie.idleSeconds * 1000);
}

/** Noted once a minute at most: a session that is in use costs no write each time. */
export const seen = ({ id, cookie }: Session, { now }: Moment): readonly Write[] =>
  cookie === undefined || now < later(cookie.seenAt, 60_000) ? [] : [{ kind: 'session.see', id, at: now }];

function codeOf(
  { request }: ClientLogin,
  session: Session,
  { scope, resources, idTokenClaims }: Asked,
  { codeHash, familyId, codeSeconds, assurance }: AdvanceCommand,
  { now }: Moment,
): AuthorizationCode {
  return {
    hash: codeHash,
    clientId: request.clientId,
    accountId: session.accountId,
    sessionId: session.id,
    familyId,
    redirectUri: request.redirectUri,
    isRedirectUriGiven: request.isRedirectUriGiven,
    scope,
    resources,
    idTokenClaims,
    nonce: request.nonce,
    challenge: request.codeChallenge,
    authTime: session.authTime,
    amr: session.amr,
    acr: acrOf(session, request.essentialAcr ?? request.acrValues, assurance.levels, now),
    wrongTries: 0,
    createdAt: now,
    expiresAt: later(now, Math.min(codeSeconds, DURATIONS.codeMax) * 1000),
    redeemedAt: undefined,
  };
}

function consentWrites(
  before: Consent | undefined,
  { accountId }: Session,
  client: Client,
  { scope, resources }: Asked,
  { now }: Moment,
): readonly Write[] {
  const consent = extended(before, { accountId, clientId: client.id, scope, resources, givenAt: now });
  const subject = { account: accountId, client: client.id };
  const entry = {
    at: now,
    event: 'consent.given',
    actor: accountId,
    subject,
    detail: { scope: scope.join(' ') },
  } as const;
  return [
    { kind: 'consent.store', consent },
    { kind: 'audit.append', entry },
  ];
}

const denied = ({ accountId }: Session, client: Client, { now }: Moment): Write => ({
  kind: 'audit.append',
  entry: {
    at: now,
    event: 'consent.denied',
    actor: accountId,
    subject: { account: accountId, client: client.id },
    detail: {},
  },
});
