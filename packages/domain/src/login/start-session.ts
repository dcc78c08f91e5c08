import { LIMITS } from '@latchkey/protocol/limits';
import { fail, ok, type Result } from '@latchkey/protocol/result';
import { intersect, isSubset, parseScope, type Scope } from '@latchkey/protocol/scope';
import {
  type AccountId,
  type FamilyId,
  later,
  type ResourceIdentifier,
  type Sealed,
  type SessionId,
  seconds,
} from '@latchkey/protocol/types';
import type { Role } from '../accounts/account.ts';
import type { AccountMetadata } from '../accounts/metadata.ts';
import { scopeByRoles } from '../administration/roles-of-admin-api.ts';
import { type AcrLevel, acrOf } from '../authorization/assurance.ts';
import type { Client } from '../clients/client.ts';
import type { Resource } from '../clients/resource.ts';
import type { Moment, Reader } from '../ports/reader.ts';
import { refreshGrantOf, type TokenGrant } from '../tokens/access-grant.ts';
import { type AddedClaims, addedClaims, type HookClaims } from '../tokens/added-claims.ts';
import { type Delivery, firstRefresh, type TokenFamily } from '../tokens/family.ts';
import type { Write } from '../write.ts';
import { endSessionWrites } from './end-writes.ts';
import type { Session, SessionSummary } from './session.ts';

/** What a new session is to be, and what was made for it beforehand. */
export interface StartSessionCommand {
  readonly sessionId: SessionId;
  readonly familyId: FamilyId;
  /** The seed of the family's refresh tokens, sealed, and the MAC key that they are made under. */
  readonly seed: Sealed;
  readonly macKeyId: number;
  readonly delivery: Delivery;
  readonly scope: string | undefined;
  readonly resource: ResourceIdentifier | undefined;
  readonly issuer: ResourceIdentifier;
  /** The audience of the admin API. */
  readonly adminApi: string;
  readonly idleSeconds: number;
  readonly absoluteSeconds: number;
  readonly address: string | undefined;
  readonly userAgent: string | undefined;
  readonly amr: readonly string[];
  readonly acrLevels: readonly AcrLevel[];
  readonly hookClaims: HookClaims | undefined;
}

export interface StartSessionFacts {
  readonly resource: Resource | undefined;
  readonly roles: readonly Role[];
  readonly metadata: AccountMetadata | undefined;
  readonly liveSessions: readonly SessionSummary[];
  /** Families of the account that have to be told of one by one. */
  readonly pairwise: readonly TokenFamily[];
}

/** The resource of a login: the one that is asked for, else the client's first, else the server itself. */
const resourceOf = (client: Client | undefined, command: StartSessionCommand): ResourceIdentifier =>
  command.resource ?? client?.resources[0] ?? command.issuer;

export async function loadStartSession(
  read: Reader,
  accountId: AccountId,
  client: Client | undefined,
  command: StartSessionCommand,
  { now }: Moment,
): Promise<StartSessionFacts> {
  const identifier = resourceOf(client, command);
  return {
    resource: await read.resource(identifier),
    roles: await read.roles(accountId, identifier),
    metadata: await read.metadata(accountId),
    liveSessions: await read.liveSessions(accountId, now),
    pairwise: await read.pairwiseFamilies(accountId),
  };
}

export interface StartedSession {
  readonly grant: TokenGrant;
  readonly writes: readonly Write[];
}

/**
 * A session with its first family. The family also covers the server itself, so that its owner can look after it.
 * Where an account has as many sessions as it may, the oldest makes room.
 *
 * @returns `resource_unknown`, `scope_malformed`, `scope_not_allowed`, `scope_exceeds_roles`
 */
export function startSession(
  facts: StartSessionFacts,
  accountId: AccountId,
  client: Client,
  command: StartSessionCommand,
  { now, position }: Moment,
): Result<StartedSession, 'resource_unknown' | 'scope_malformed' | 'scope_not_allowed' | 'scope_exceeds_roles'> {
  const { resource } = facts;
  const isCovered =
    resource?.identifier === command.issuer || client.resources.some((one) => one === resource?.identifier);
  if (resource === undefined || !isCovered) return fail('resource_unknown');
  const allowed = intersect(client.scope, resource.scope);
  const asked: Scope | undefined = command.scope === undefined ? allowed : parseScope(command.scope);
  if (asked === undefined) return fail('scope_malformed');
  if (!isSubset(asked, allowed)) return fail('scope_not_allowed');
  const scope = scopeByRoles(asked, resource, facts.roles, command.adminApi);
  if (scope === undefined) return fail('scope_exceeds_roles');

  const expiresAt = later(now, command.absoluteSeconds * 1000);
  const session: Session = {
    id: command.sessionId,
    version: 1,
    accountId,
    createdAt: now,
    expiresAt,
    authTime: seconds(now),
    amr: command.amr,
    acr: acrOf({ authTime: seconds(now), amr: command.amr }, [], command.acrLevels, now),
    address: command.address,
    userAgent: command.userAgent,
    pos: position,
    ended: undefined,
    cookie: undefined,
  };
  const family: TokenFamily = {
    id: command.familyId,
    accountId,
    clientId: client.id,
    sessionId: session.id,
    beganIn: session.id,
    pairwise: undefined, // of a first-party client
    scope,
    resources: [...new Set([resource.identifier, command.issuer])],
    idTokenClaims: [],
    delivery: command.delivery,
    cnf: undefined,
    authenticated: { authTime: session.authTime, amr: session.amr, acr: session.acr },
    createdAt: now,
    expiresAt,
    pos: position,
    ended: undefined,
    refresh: client.grantTypes.includes('refresh_token') ? firstRefresh(command, now) : undefined,
  };
  const added = addedClaims(resource, { roles: facts.roles, metadata: facts.metadata, hook: command.hookClaims });
  const grant = grantOf(family, session, resource, added, { now, position });
  const writes: readonly Write[] = [
    ...endOldest(facts.liveSessions, facts.pairwise, now),
    { kind: 'session.start', session },
    { kind: 'family.start', family },
  ];
  return ok({ grant, writes });
}

function grantOf(
  family: TokenFamily,
  session: Session,
  resource: Resource,
  added: AddedClaims,
  { now, position }: Pick<Moment, 'now' | 'position'>,
): TokenGrant {
  const { refresh } = family;
  return {
    access: {
      subject: family.accountId,
      clientId: family.clientId,
      resource,
      scope: family.scope,
      ...added,
      issuedAt: now,
      pos: position,
      cnf: undefined,
      person: {
        familyId: family.id,
        familyExpiresAt: family.expiresAt,
        sessionId: session.id,
        authTime: session.authTime,
        amr: session.amr,
        acr: session.acr,
      },
      apiKey: undefined,
    },
    refresh: refresh === undefined ? undefined : refreshGrantOf(family, refresh),
    identity: undefined,
  };
}

/** The oldest sessions, as many as must make room for one more. */
export const endOldest = (
  live: readonly SessionSummary[],
  pairwise: readonly TokenFamily[],
  at: Moment['now'],
): readonly Write[] =>
  live
    .slice(0, Math.max(0, live.length + 1 - LIMITS.sessionsPerAccountMax))
    .flatMap((session) => endSessionWrites(session, { reason: 'too_many_sessions', by: 'server', at }, pairwise));
