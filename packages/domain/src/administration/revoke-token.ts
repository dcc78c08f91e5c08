import type { AccessTokenClaims, RevocationEvent } from '@latchkey/protocol/claims';
import type { FamilyId, TokenId } from '@latchkey/protocol/types';
import { allow, type Decision, refuse } from '../decision.ts';
import { endFamilyWrites } from '../login/end-writes.ts';
import type { Moment, Reader } from '../ports/reader.ts';
import { type AccessTokenFacts, accessTokenEnd, loadAccessTokenFacts } from '../tokens/access-token-life.ts';
import { eventExpiry } from '../tokens/event-expiry.ts';
import type { TokenFamily } from '../tokens/family.ts';
import { forgetWrites } from '../tokens/forget-token.ts';
import { familyLife, type Lifelines } from '../tokens/liveness.ts';
import { handleSubject, type TokenRecord } from '../tokens/token-record.ts';
import type { EndedNow } from './end-session.ts';
import type { Administrator } from './scopes.ts';

export interface RevokeFamilyCommand {
  readonly administrator: Administrator;
  readonly id: FamilyId;
}

export interface RevokeFamilyFacts extends Lifelines {
  readonly family: TokenFamily | undefined;
}

/** Loads a family and all on whose life it depends. */
export async function loadRevokeFamily(read: Reader, { id }: RevokeFamilyCommand): Promise<RevokeFamilyFacts> {
  const family = await read.family(id);
  if (family === undefined) return { family, account: undefined, client: undefined, session: undefined };
  return {
    family,
    account: await read.account(family.accountId),
    client: await read.client(family.clientId),
    session: family.sessionId === undefined ? undefined : await read.session(family.sessionId),
  };
}

/**
 * Decides the end of a token family by an administrator: its refresh token and its access tokens. One that is over
 * already makes no event.
 *
 * @returns `not_found`
 */
export function decideRevokeFamily(
  facts: RevokeFamilyFacts,
  { administrator }: RevokeFamilyCommand,
  { now }: Moment,
): Decision<EndedNow> {
  const { family } = facts;
  if (family === undefined) return refuse('not_found');
  if (familyLife(family, facts, now) !== 'live') return allow('was_over');
  return allow('ended', endFamilyWrites(family, { reason: 'ended_by_administrator', by: administrator.id, at: now }));
}

export interface RevokeTokenCommand {
  readonly administrator: Administrator;
  readonly id: TokenId;
  /** What the token says, when it was at hand and its signature holds; an id alone tells nothing about it. */
  readonly claims: AccessTokenClaims | undefined;
}

export interface RevokeTokenFacts {
  /** Events that name the token: most access tokens leave no row behind. */
  readonly events: readonly RevocationEvent[];
  readonly record: TokenRecord | undefined;
  /** What it depends on, when its claims are known, from itself or from its row. */
  readonly access: AccessTokenFacts | undefined;
}

export async function loadRevokeToken(
  read: Reader,
  command: RevokeTokenCommand,
  moment: Moment,
): Promise<RevokeTokenFacts> {
  const record = await read.tokenRecord(command.id);
  const claims = command.claims ?? record?.claims;
  return {
    events: await read.revocationsOf(command.id, moment.now),
    record,
    access: claims === undefined ? undefined : await loadAccessTokenFacts(read, claims, moment),
  };
}

/**
 * Decides the end of one access token by its `jti`, and with it of the row that was kept of it. Where only the id is
 * given and there is no row, nobody knows here whether there is such a token, nor until when, so the event stays for as
 * long as any can live. What has ended already makes no event.
 */
export function decideRevokeToken(
  { events, access, record }: RevokeTokenFacts,
  { administrator, id, claims = record?.claims }: RevokeTokenCommand,
  moment: Moment,
): Decision<EndedNow> {
  const { now } = moment;
  if (events.some(({ kind }) => kind === 'token')) return allow('was_over');
  if (access !== undefined && claims !== undefined && accessTokenEnd(access, claims, moment) !== undefined)
    return allow('was_over');
  const subject = { token: id, ...handleSubject(record) };
  return allow('ended', [
    { kind: 'revocation.emit', event: { kind: 'token', id, exp: eventExpiry(now) } },
    ...forgetWrites(record),
    {
      kind: 'audit.append',
      entry: { at: now, event: 'token.revoked', actor: administrator.id, subject, detail: {} },
    },
  ]);
}
