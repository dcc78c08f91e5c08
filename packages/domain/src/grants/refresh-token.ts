import { formatScope, intersect, isSubset, parseScope, type Scope } from '@latchkey/protocol/scope';
import {
  type EpochMilliseconds,
  type FamilyId,
  type ResourceIdentifier,
  type Sealed,
  type Sha256,
  seconds,
} from '@latchkey/protocol/types';
import type { Role } from '../accounts/account.ts';
import type { AccountMetadata } from '../accounts/metadata.ts';
import { scopeByRoles } from '../administration/roles-of-admin-api.ts';
import type { AuditEvent } from '../audit.ts';
import { type AcrLevel, heldAcr } from '../authorization/assurance.ts';
import { type Client, isPublic, type ProvedClient } from '../clients/client.ts';
import type { Resource } from '../clients/resource.ts';
import { allow, type Decision, refuse, refuseWith } from '../decision.ts';
import type { Session } from '../login/session.ts';
import type { Moment, Reader } from '../ports/reader.ts';
import { type AccessGrant, identityOf, refreshGrantOf, type TokenGrant } from '../tokens/access-grant.ts';
import { addedClaims, type HookClaims } from '../tokens/added-claims.ts';
import type { EndReason } from '../tokens/end-reason.ts';
import { eventExpiry } from '../tokens/event-expiry.ts';
import { type Delivery, idleEnd, type RefreshState, subjectOf, type TokenFamily } from '../tokens/family.ts';
import { familyLife, type Lifelines } from '../tokens/liveness.ts';
import { excessOf } from '../tokens/token-size.ts';
import type { Write } from '../write.ts';

/** What the client asks. Client, outer MAC and sender constraint are proved: the token was made under one of our keys. */
export interface RefreshCommand {
  readonly client: ProvedClient;
  readonly familyId: FamilyId;
  readonly generation: number;
  /** How the refresh token came in. */
  readonly delivery: Delivery;
  /** Thumbprint of the key that the request proved, if any. */
  readonly provedKey: string | undefined;
  /** Hash of the client's own random id of this attempt, if it sent one. */
  readonly attemptHash: Sha256 | undefined;
  readonly scope: string | undefined;
  readonly resources: readonly ResourceIdentifier[];
  /** The MAC key that new refresh tokens are made under. */
  readonly macKeyId: number;
  /** The overlap of a rotation, where one is allowed and the client has none of its own; in milliseconds. */
  readonly overlapMilliseconds: number;
  readonly acrLevels: readonly AcrLevel[];
  readonly issuer: string;
  /** The audience of the admin API. */
  readonly adminApi: string;
  readonly hookClaims: HookClaims | undefined;
}

export interface RefreshFacts extends Lifelines {
  readonly family: (TokenFamily & { readonly refresh: RefreshState }) | undefined;
  /** Whether the token's inner MAC was made with the family's own seed. */
  readonly seedMatches: boolean;
  readonly resource: Resource | undefined;
  readonly roles: readonly Role[];
  readonly metadata: AccountMetadata | undefined;
}

/** Loads what `decideRefresh` looks at. The comparison with the seed is the server's: only it can open a seal. */
export async function loadRefresh(
  read: Reader,
  command: RefreshCommand,
  matchesSeed: (seed: Sealed) => boolean,
): Promise<RefreshFacts> {
  const family = await read.family(command.familyId);
  const refresh = family?.refresh;
  if (family === undefined || refresh === undefined) return NOTHING;
  const identifier = command.resources[0] ?? family.resources[0];
  return {
    family: { ...family, refresh },
    seedMatches: matchesSeed(refresh.seed),
    account: await read.account(family.accountId),
    client: await read.client(family.clientId),
    session: family.sessionId === undefined ? undefined : await read.session(family.sessionId),
    resource: identifier === undefined ? undefined : await read.resource(identifier),
    roles: identifier === undefined ? [] : await read.roles(family.accountId, identifier),
    metadata: await read.metadata(family.accountId),
  };
}

const NOTHING: RefreshFacts = {
  family: undefined,
  seedMatches: false,
  account: undefined,
  client: undefined,
  session: undefined,
  resource: undefined,
  roles: [],
  metadata: undefined,
};

/** How many generations in a row may be repeated within their overlap before somebody should look. */
export const OVERLAP_STREAK_ALERT = 3;

/**
 * Decides a refresh: a family has one live generation, and a superseded one ends the family.
 *
 * Within the overlap the previous generation is answered with the *same* successor, which is derived and not stored: a
 * lost response and a second tab do no harm. After it, the server cannot tell the thief from the owner, so it ends the
 * family for both, and the owner signs in again. The rows of the table stand here in their order.
 *
 * @returns `refresh_token_unknown`, `refresh_token_of_other_client`, `refresh_token_wrong_delivery`,
 *   `refresh_token_proof_missing`, `refresh_token_ended`, `refresh_token_expired`, `client_changed`,
 *   `refresh_token_reused`, `refresh_token_newer_than_store`, `access_token_too_large`, and what `askedFor` refuses
 * @spec RFC 6749 §6 (client binding, scope may only narrow)
 * @spec RFC 9700 §4.14.2 (rotation and reuse detection)
 */
export function decideRefresh(facts: RefreshFacts, command: RefreshCommand, moment: Moment): Decision<TokenGrant> {
  const { family, client, session } = facts;
  const { now } = moment;
  if (family === undefined || !facts.seedMatches) return refuse('refresh_token_unknown');
  if (family.clientId !== command.client.id) return foreign('refresh_token_of_other_client', family, command, now);
  if (family.delivery !== command.delivery) return foreign('refresh_token_wrong_delivery', family, command, now);
  const bound = family.cnf?.jkt ?? family.cnf?.['x5t#S256'];
  if (bound !== undefined && command.provedKey === undefined)
    return foreign('refresh_token_proof_missing', family, command, now);
  if (bound !== undefined && command.provedKey !== bound)
    return foreign('refresh_token_of_other_client', family, command, now);

  const life = familyLife(family, facts, now);
  if (life === 'ended' || client === undefined) return refuse('refresh_token_ended');
  const { refresh } = family;
  if (life === 'expired' || now >= idleEnd(refresh)) return refuse('refresh_token_expired');
  if (client.version !== command.client.version) return refuse('client_changed');
  const expects = [{ table: 'client', id: client.id, version: client.version }] as const;

  const age = refresh.generation - command.generation;
  if (age < 0) return refuse(NEWER, endFamily(NEWER, family, command, moment), expects);
  const overlapping = age === 1 && isWithinOverlap(refresh, command, now);
  if (age > 0 && !overlapping) return refuse(REUSED, endFamily(REUSED, family, command, moment), expects);

  const asked = askedFor(facts, family, command);
  if (!asked.ok) return refuse(asked.error);
  const access: AccessGrant = {
    subject: subjectOf(family),
    clientId: family.clientId,
    resource: asked.resource,
    scope: asked.scope,
    ...addedClaims(asked.resource, { roles: facts.roles, metadata: facts.metadata, hook: command.hookClaims }),
    issuedAt: now,
    pos: moment.position,
    cnf: family.cnf,
    person: personOf(family, session, command, now),
    apiKey: undefined,
  };
  const excess = excessOf(access, command.issuer);
  if (excess !== undefined) return refuseWith({ error: 'access_token_too_large', detail: excess });
  const grant = (state: RefreshState): TokenGrant => ({
    access,
    identity: identityOf(family, client, access, undefined),
    refresh: refreshGrantOf(family, state),
  });

  if (overlapping) return allow(grant(refresh), useOverlap(family, refresh, now), expects);
  if (client.refreshPolicy === 'keep' && !isPublic(client)) {
    const touched = { ...refresh, lastUsedAt: now };
    return allow(
      grant(touched),
      [{ kind: 'family.touch', id: family.id, generation: refresh.generation, at: now }],
      expects,
    );
  }
  const overlap = overlapAfter(family, client, command);
  const next: RefreshState = {
    ...refresh,
    ...overlap,
    generation: refresh.generation + 1,
    macKeyId: command.macKeyId,
    rotatedAt: now,
    lastUsedAt: now,
    overlapUses: 0,
    overlapStreak: refresh.overlapUses > 0 ? refresh.overlapStreak : 0,
  };
  return allow(grant(next), [rotate(family.id, refresh.generation, next)], expects);
}

/** The overlap is measured by the store's clock; a clock that was set back must not stretch it. */
function isWithinOverlap(refresh: RefreshState, command: RefreshCommand, now: EpochMilliseconds): boolean {
  const since = Math.abs(now - refresh.rotatedAt);
  const sameAttempt = refresh.attemptHash === undefined || refresh.attemptHash === command.attemptHash;
  return since < refresh.overlapMilliseconds && sameAttempt;
}

/**
 * The overlap that a rotation leaves behind: none for a bearer token of a public client, unless the client can repeat
 * its own random attempt id; 10 s where something else than the token itself was proved, or only a browser holds it.
 */
function overlapAfter(
  family: TokenFamily,
  client: Client,
  command: RefreshCommand,
): Pick<RefreshState, 'overlapMilliseconds' | 'attemptHash'> {
  const overlapMilliseconds = client.overlapMilliseconds ?? command.overlapMilliseconds;
  const provedMore = family.cnf !== undefined || !isPublic(client) || family.delivery === 'cookie';
  if (provedMore) return { overlapMilliseconds, attemptHash: undefined };
  if (command.attemptHash === undefined) return { overlapMilliseconds: 0, attemptHash: undefined };
  return { overlapMilliseconds, attemptHash: command.attemptHash };
}

type Asked =
  | { readonly ok: true; readonly scope: Scope; readonly resource: Resource }
  | {
      readonly ok: false;
      readonly error:
        | 'scope_malformed'
        | 'scope_exceeds_family'
        | 'scope_exceeds_roles'
        | 'resource_ambiguous'
        | 'resource_exceeds_family';
    };

/** Scope and resource of the new access token: any part of what was granted, as far as roles still give it. @spec RFC 6749 §6, RFC 8707 §2.2 */
function askedFor(facts: RefreshFacts, family: TokenFamily, command: RefreshCommand): Asked {
  const scope = command.scope === undefined ? family.scope : parseScope(command.scope);
  if (scope === undefined) return { ok: false, error: 'scope_malformed' };
  if (!isSubset(scope, family.scope)) return { ok: false, error: 'scope_exceeds_family' };
  if (command.resources.length > 1) return { ok: false, error: 'resource_ambiguous' };
  const { resource } = facts;
  if (resource === undefined || !family.resources.includes(resource.identifier))
    return { ok: false, error: 'resource_exceeds_family' };
  const known = intersect(scope, resource.scope);
  if (command.scope !== undefined && known.length < scope.length) return { ok: false, error: 'scope_exceeds_family' };
  const given = scopeByRoles(known, resource, facts.roles, command.adminApi);
  return given === undefined ? { ok: false, error: 'scope_exceeds_roles' } : { ok: true, scope: given, resource };
}

const personOf = (
  family: TokenFamily,
  session: Session | undefined,
  { acrLevels }: RefreshCommand,
  now: EpochMilliseconds,
) => ({
  familyId: family.id,
  familyExpiresAt: family.expiresAt,
  sessionId: family.pairwise === undefined ? family.sessionId : undefined,
  authTime: family.authenticated?.authTime ?? session?.authTime,
  amr: family.authenticated?.amr ?? session?.amr ?? [],
  acr: family.authenticated === undefined ? undefined : heldAcr(family.authenticated, acrLevels, now),
});

const rotate = (id: FamilyId, from: number, next: RefreshState): Write => ({
  kind: 'family.rotate',
  id,
  from,
  at: next.rotatedAt,
  overlapMilliseconds: next.overlapMilliseconds,
  attemptHash: next.attemptHash,
  overlapStreak: next.overlapStreak,
  macKeyId: next.macKeyId,
});

/** Counts a use of the overlap; in generation after generation it is no lost response but two holders of one token. */
function useOverlap(family: TokenFamily, refresh: RefreshState, now: EpochMilliseconds): Write[] {
  const streak = refresh.overlapUses > 0 ? refresh.overlapStreak : refresh.overlapStreak + 1;
  const use: Write = { kind: 'family.use_overlap', id: family.id, generation: refresh.generation, streak };
  if (refresh.overlapUses > 0 || streak < OVERLAP_STREAK_ALERT) return [use];
  return [use, alert('refresh_token.overlap_streak', family, family.clientId, now, { generations: streak })];
}

/** A refresh token in hands that it was not issued to: the family stays, somebody should know. */
const foreign = (
  error: 'refresh_token_of_other_client' | 'refresh_token_wrong_delivery' | 'refresh_token_proof_missing',
  family: TokenFamily,
  command: RefreshCommand,
  now: EpochMilliseconds,
): Decision<never> => {
  const detail = { error, presented_generation: command.generation };
  const entry = entryOf('refresh_token.of_other_client', family, command.client.id, now, detail);
  return refuse(error, [{ kind: 'audit.append', entry }]);
};

const REUSED = 'refresh_token_reused';
const NEWER = 'refresh_token_newer_than_store';
const ALARMS: Readonly<Record<typeof REUSED | typeof NEWER, AuditEvent>> = {
  [REUSED]: 'refresh_token.reused',
  [NEWER]: 'refresh_token.newer_than_store',
};

/** Many families find out about one older database: they begin one new epoch, not one each. */
const EPOCH_SECONDS_MIN = 60;

/** Ends the family for whoever holds its tokens, tells every verifier, and raises the alarm. */
function endFamily(
  error: keyof typeof ALARMS & EndReason,
  family: TokenFamily & { readonly refresh: RefreshState },
  command: RefreshCommand,
  { now, position }: Moment,
): readonly Write[] {
  const detail = { presented_generation: command.generation, current_generation: family.refresh.generation };
  const isOlderStore = error === NEWER && position.epoch + EPOCH_SECONDS_MIN < seconds(now);
  return [
    ...(isOlderStore ? [{ kind: 'epoch.begin', at: now } as const] : []),
    { kind: 'family.end', id: family.id, ended: { at: now, reason: error, by: command.client.id } },
    { kind: 'revocation.emit', event: { kind: 'family', id: family.id, exp: eventExpiry(now) } },
    alert(ALARMS[error], family, command.client.id, now, detail),
  ];
}

const alert = (
  event: AuditEvent,
  family: TokenFamily,
  actor: string,
  at: EpochMilliseconds,
  detail: Readonly<Record<string, string | number>>,
): Write => ({ kind: 'alert.raise', entry: entryOf(event, family, actor, at, detail) });

const entryOf = (
  event: AuditEvent,
  family: TokenFamily,
  actor: string,
  at: EpochMilliseconds,
  detail: Readonly<Record<string, string | number>>,
) => ({
  at,
  event,
  actor,
  subject: {
    family: family.id,
    account: family.accountId,
    client: family.clientId,
    ...(family.sessionId === undefined ? {} : { session: family.sessionId }),
  },
  detail: { ...detail, scope: formatScope(family.scope) },
});
