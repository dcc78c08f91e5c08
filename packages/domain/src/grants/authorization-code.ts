import { DURATIONS, LIMITS } from '@latchkey/protocol/limits';
import { intersect } from '@latchkey/protocol/scope';
import {
  type EpochMilliseconds,
  later,
  type ResourceIdentifier,
  type Sealed,
  type Sha256,
} from '@latchkey/protocol/types';
import type { Role } from '../accounts/account.ts';
import type { AccountMetadata } from '../accounts/metadata.ts';
import { scopeByRoles } from '../administration/roles-of-admin-api.ts';
import type { AuthorizationCode } from '../authorization/code.ts';
import { type Consent, covers, dependsOnConsent } from '../authorization/consent.ts';
import type { Client, ProvedClient } from '../clients/client.ts';
import type { Resource } from '../clients/resource.ts';
import { allow, type Decision, refuse, refuseWith } from '../decision.ts';
import { endFamilyWrites } from '../login/end-writes.ts';
import type { Session } from '../login/session.ts';
import type { Moment, Reader } from '../ports/reader.ts';
import { type AccessGrant, identityOf, refreshGrantOf, type TokenGrant } from '../tokens/access-grant.ts';
import { type AddedClaims, addedClaims, type HookClaims } from '../tokens/added-claims.ts';
import { eventExpiry } from '../tokens/event-expiry.ts';
import { firstRefresh, type Pairwise, subjectOf, type TokenFamily } from '../tokens/family.ts';
import { familyLife, isAccountLive, isClientLive, isSessionLive, type Lifelines } from '../tokens/liveness.ts';
import { excessOf } from '../tokens/token-size.ts';
import type { Write } from '../write.ts';

/** What the client asks. Client is proved; the seed was sealed for the family that the code names. */
export interface RedeemCommand {
  readonly client: ProvedClient;
  readonly codeHash: Sha256;
  readonly redirectUri: string | undefined;
  /** The challenge that the verifier amounts to; undefined when none was sent. */
  readonly challenge: string | undefined;
  readonly resources: readonly ResourceIdentifier[];
  readonly seed: Sealed;
  readonly macKeyId: number;
  readonly idleSeconds: number;
  /** The absolute life of a family that outlives its session. */
  readonly offlineSeconds: number;
  readonly issuer: string;
  /** The audience of the admin API. */
  readonly adminApi: string;
  readonly hookClaims: HookClaims | undefined;
  /** Random, for a person who comes to the client's sector for the first time. */
  readonly newSubject: string;
}

export interface RedeemFacts extends Lifelines {
  readonly code: AuthorizationCode | undefined;
  readonly consent: Consent | undefined;
  readonly resource: Resource | undefined;
  readonly roles: readonly Role[];
  readonly metadata: AccountMetadata | undefined;
  /** What the client holds of this account already. */
  readonly families: readonly TokenFamily[];
  /** By what the account is known in the client's sector, if it is. */
  readonly subject: string | undefined;
  /** The family that the code has started, if it was redeemed. */
  readonly family: TokenFamily | undefined;
}

/** Loads what `decideRedeem` looks at. */
export async function loadRedeem(read: Reader, command: RedeemCommand, { now }: Moment): Promise<RedeemFacts> {
  const code = await read.code(command.codeHash);
  if (code === undefined) return NOTHING;
  const identifier = command.resources[0] ?? code.resources[0];
  const client = await read.client(code.clientId);
  const sector = client?.sector;
  return {
    code,
    account: await read.account(code.accountId),
    client,
    session: await read.session(code.sessionId),
    consent: await read.consent(code.accountId, code.clientId),
    resource: identifier === undefined ? undefined : await read.resource(identifier),
    roles: identifier === undefined ? [] : await read.roles(code.accountId, identifier),
    metadata: await read.metadata(code.accountId),
    families: await read.familiesOf(code.accountId, code.clientId, now),
    subject: sector === undefined ? undefined : await read.subject(sector, code.accountId),
    family: code.redeemedAt === undefined ? undefined : await read.family(code.familyId),
  };
}

const NOTHING: RedeemFacts = {
  code: undefined,
  account: undefined,
  client: undefined,
  session: undefined,
  consent: undefined,
  resource: undefined,
  roles: [],
  metadata: undefined,
  families: [],
  subject: undefined,
  family: undefined,
};

/**
 * Decides the redemption of a code: once, by the client that it was issued to, with the verifier that only this client
 * knows, for no more than was allowed. A second redemption that is otherwise valid means that the code was stolen: it
 * ends exactly the family that the first one started. One that is not valid ends nothing, or anybody could.
 *
 * @returns `code_unknown`, `code_of_other_client`, `client_changed`, `code_tries_exceeded`, `code_redirect_uri_wrong`,
 *   `code_verifier_unexpected`, `code_verifier_missing`, `code_verifier_wrong`, `code_used`, `code_expired`,
 *   `code_ended`, `resource_ambiguous`, `resource_exceeds_code`, `scope_exceeds_roles`, `access_token_too_large`
 * @spec RFC 6749 §4.1.3; RFC 7636 §4.6; OAuth 2.1 "Reuse of Authorization Codes"; RFC 8707 §2.2
 */
export function decideRedeem(facts: RedeemFacts, command: RedeemCommand, moment: Moment): Decision<TokenGrant> {
  const { code, client, account, session } = facts;
  const { now } = moment;
  if (code === undefined || client === undefined) return refuse('code_unknown');
  if (code.clientId !== command.client.id) return refuse('code_of_other_client');
  if (client.version !== command.client.version) return refuse('client_changed');
  if (code.wrongTries >= LIMITS.codeTriesMax) return refuse('code_tries_exceeded');
  const wrong = mismatch(code, command);
  if (wrong !== undefined) return refuse(wrong, countTry(code));
  if (code.redeemedAt !== undefined) return refuse('code_used', endFamily(facts, code, moment));
  if (now >= code.expiresAt) return refuse('code_expired');

  const isLive = isAccountLive(account, session?.pos ?? moment.position) && isSessionLive(session, now);
  if (session === undefined || !isLive || !isClientLive(client, moment.position)) return refuse('code_ended');
  if (dependsOnConsent(client) && !covers(facts.consent, code)) return refuse('code_ended');
  if (command.resources.length > 1) return refuse('resource_ambiguous');
  const { resource } = facts;
  if (resource === undefined || !code.resources.includes(resource.identifier)) return refuse('resource_exceeds_code');
  const scope = scopeByRoles(intersect(code.scope, resource.scope), resource, facts.roles, command.adminApi);
  if (scope === undefined) return refuse('scope_exceeds_roles');

  const isOffline = code.scope.includes('offline_access') && client.grantTypes.includes('refresh_token');
  const family: TokenFamily = {
    id: code.familyId,
    accountId: code.accountId,
    clientId: code.clientId,
    sessionId: isOffline ? undefined : session.id,
    beganIn: session.id,
    pairwise: client.sector === undefined ? undefined : pairwiseOf(facts, code, command),
    scope: code.scope,
    resources: [resource.identifier, ...code.resources.filter((one) => one !== resource.identifier)],
    idTokenClaims: code.idTokenClaims,
    delivery: 'body',
    cnf: undefined,
    authenticated: { authTime: code.authTime, amr: code.amr, acr: code.acr },
    createdAt: now,
    expiresAt: endOf(client, session, isOffline, command, now),
    pos: moment.position,
    ended: undefined,
    refresh: client.grantTypes.includes('refresh_token') ? firstRefresh(command, now) : undefined,
  };
  const added = addedClaims(resource, { roles: facts.roles, metadata: facts.metadata, hook: command.hookClaims });
  const grant = grantOf(family, client, code, { resource, scope, added }, moment);
  const excess = excessOf(grant.access, command.issuer);
  if (excess !== undefined) return refuseWith({ error: 'access_token_too_large', detail: excess });
  return allow(
    grant,
    [
      ...endUnused(facts.families, now),
      ...assignSubject(facts, code, client, command),
      { kind: 'code.redeem', hash: code.hash, at: now },
      { kind: 'family.start', family },
    ],
    [
      { table: 'client', id: client.id, version: client.version },
      { table: 'session', id: session.id, version: session.version },
    ],
  );
}

/** The names of a person in the client's sector: those that the client knows already, or new ones. */
const pairwiseOf = (
  { families, subject }: RedeemFacts,
  code: AuthorizationCode,
  { newSubject }: RedeemCommand,
): Pairwise => {
  const known = families.find(({ beganIn, pairwise }) => pairwise !== undefined && beganIn === code.sessionId);
  return { subject: subject ?? newSubject, sid: known?.pairwise?.sid ?? code.familyId };
};

/** A subject is given once, and never to anybody else. @spec OIDC Core §8 (OIDC-03) */
const assignSubject = (
  { subject }: RedeemFacts,
  { accountId }: AuthorizationCode,
  { sector }: Client,
  { newSubject }: RedeemCommand,
): readonly Write[] =>
  sector === undefined || subject !== undefined
    ? []
    : [{ kind: 'subject.assign', sector, accountId, subject: newSubject }];

/**
 * A family without a refresh token ends with the longest life that an access token may have; with the session, where its
 * client wants to be told when that ends.
 */
function endOf(
  client: Client,
  session: Session,
  isOffline: boolean,
  { offlineSeconds }: RedeemCommand,
  now: EpochMilliseconds,
): EpochMilliseconds {
  if (isOffline) return later(now, offlineSeconds * 1000);
  const lastToken = later(now, DURATIONS.accessTokenMax * 1000);
  const isNeeded = client.grantTypes.includes('refresh_token') || client.backchannelLogoutUri !== undefined;
  return isNeeded || lastToken > session.expiresAt ? session.expiresAt : lastToken;
}

/** Those that were unused for longest, as many as must make room for one more. */
function endUnused(families: readonly TokenFamily[], at: EpochMilliseconds): readonly Write[] {
  const usedAt = ({ refresh, createdAt }: TokenFamily): number => refresh?.lastUsedAt ?? createdAt;
  return families
    .toSorted((a, b) => usedAt(a) - usedAt(b))
    .slice(0, Math.max(0, families.length + 1 - LIMITS.familiesPerClientMax))
    .flatMap((family) => endFamilyWrites(family, { reason: 'too_many_families', by: 'server', at }));
}

/** What does not go with the code, if anything. The redirect URI counts where the request named it. */
function mismatch(code: AuthorizationCode, { redirectUri, challenge }: RedeemCommand) {
  if (redirectUri !== undefined && redirectUri !== code.redirectUri) return 'code_redirect_uri_wrong';
  if (redirectUri === undefined && code.isRedirectUriGiven && code.challenge === undefined)
    return 'code_redirect_uri_wrong';
  if (code.challenge === undefined) return challenge === undefined ? undefined : 'code_verifier_unexpected';
  if (challenge === undefined) return 'code_verifier_missing';
  return challenge === code.challenge ? undefined : 'code_verifier_wrong';
}

/** A code that was redeemed is beyond guessing: only one that still waits counts its tries. */
const countTry = (code: AuthorizationCode): readonly Write[] =>
  code.redeemedAt === undefined ? [{ kind: 'code.miss', hash: code.hash }] : [];

function endFamily(facts: RedeemFacts, code: AuthorizationCode, { now }: Moment): readonly Write[] {
  const { family } = facts;
  if (family === undefined || familyLife(family, facts, now) !== 'live') return [];
  return [
    { kind: 'family.end', id: family.id, ended: { at: now, reason: 'authorization_code_replayed', by: code.clientId } },
    { kind: 'revocation.emit', event: { kind: 'family', id: family.id, exp: eventExpiry(now) } },
    {
      kind: 'alert.raise',
      entry: {
        at: now,
        event: 'authorization_code.replayed',
        actor: code.clientId,
        subject: { family: family.id, account: code.accountId, client: code.clientId, session: code.sessionId },
        detail: {},
      },
    },
  ];
}

function grantOf(
  family: TokenFamily,
  client: Client,
  code: AuthorizationCode,
  { resource, scope, added }: Pick<AccessGrant, 'resource' | 'scope'> & { readonly added: AddedClaims },
  { now, position }: Moment,
): TokenGrant {
  const { refresh } = family;
  const access: AccessGrant = {
    subject: subjectOf(family),
    clientId: family.clientId,
    resource,
    scope,
    ...added,
    issuedAt: now,
    pos: position,
    cnf: undefined,
    person: {
      familyId: family.id,
      familyExpiresAt: family.expiresAt,
      sessionId: family.pairwise === undefined ? family.sessionId : undefined,
      authTime: code.authTime,
      amr: code.amr,
      acr: code.acr,
    },
    apiKey: undefined,
  };
  return {
    access,
    identity: identityOf(family, client, access, code.nonce),
    refresh: refresh === undefined ? undefined : refreshGrantOf(family, refresh),
  };
}
