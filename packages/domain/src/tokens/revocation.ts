import type { AccessTokenClaims } from '@latchkey/protocol/claims';
import { parseId } from '@latchkey/protocol/ids';
import { type ClientId, type EpochSeconds, type FamilyId, type Sealed, seconds } from '@latchkey/protocol/types';
import type { ProvedClient } from '../clients/client.ts';
import { allow, type Decision, refuse } from '../decision.ts';
import type { Moment, Reader } from '../ports/reader.ts';
import type { RowVersion } from '../row-version.ts';
import type { Write } from '../write.ts';
import { type AccessTokenFacts, accessTokenEnd, loadAccessTokenFacts } from './access-token-life.ts';
import { eventExpiry } from './event-expiry.ts';
import type { TokenFamily } from './family.ts';
import { forgetWrites } from './forget-token.ts';
import { familyLife, type Lifelines } from './liveness.ts';
import { handleSubject, type TokenRecord } from './token-record.ts';

/** What came of it; the client is told the same in every case. */
export type Revoked = 'revoked' | 'nothing_to_revoke';

export interface RevokeRefreshTokenFacts extends Lifelines {
  readonly family: TokenFamily | undefined;
  readonly seedMatches: boolean;
}

export async function loadRevokeRefreshToken(
  read: Reader,
  familyId: FamilyId,
  matchesSeed: (seed: Sealed) => boolean,
): Promise<RevokeRefreshTokenFacts> {
  const family = await read.family(familyId);
  return {
    family,
    seedMatches: family?.refresh !== undefined && matchesSeed(family.refresh.seed),
    account: family === undefined ? undefined : await read.account(family.accountId),
    client: family === undefined ? undefined : await read.client(family.clientId),
    session: family?.sessionId === undefined ? undefined : await read.session(family.sessionId),
  };
}

/**
 * Decides the end of a family for the client that holds one of its refresh tokens, of whatever generation: who gives
 * a token back wants it to be dead, and what was issued with it.
 *
 * @returns `token_of_other_client`, `client_changed`
 * @spec RFC 7009 §2.1
 */
export function decideRevokeRefreshToken(
  facts: RevokeRefreshTokenFacts,
  client: ProvedClient,
  { now }: Moment,
): Decision<Revoked> {
  const { family } = facts;
  if (family === undefined || !facts.seedMatches) return allow('nothing_to_revoke');
  if (family.clientId !== client.id) return refuse('token_of_other_client');
  if (familyLife(family, facts, now) !== 'live') return allow('nothing_to_revoke');
  if (facts.client?.version !== client.version) return refuse('client_changed');
  return allow(
    'revoked',
    [
      { kind: 'family.end', id: family.id, ended: { at: now, reason: 'revoked_by_client', by: client.id } },
      { kind: 'revocation.emit', event: { kind: 'family', id: family.id, exp: eventExpiry(now) } },
      auditOf({ family: family.id, account: family.accountId, client: family.clientId }, client.id, now),
    ],
    seen(client),
  );
}

export interface RevokeAccessTokenCommand {
  readonly client: ProvedClient;
  readonly claims: AccessTokenClaims;
  /** True when this client has used up its events of single tokens. */
  readonly isFlood: boolean;
}

export interface RevokeAccessTokenFacts extends AccessTokenFacts {
  /** What is kept of the token, where anything is. */
  readonly record: TokenRecord | undefined;
}

export async function loadRevokeAccessToken(
  read: Reader,
  { claims }: RevokeAccessTokenCommand,
  moment: Moment,
): Promise<RevokeAccessTokenFacts> {
  const jti = parseId('tok', claims.jti);
  return {
    ...(await loadAccessTokenFacts(read, claims, moment)),
    record: jti === undefined ? undefined : await read.tokenRecord(jti),
  };
}

/**
 * Decides the end of one access token by its `jti`, and with it of the row that was kept of it. One that has ended already makes no event. Where a client ends
 * more single tokens than readers should keep, the end of the family, or one cut-off of the client, takes their place.
 *
 * @returns `token_of_other_client`, `client_changed`
 * @spec RFC 7009 §2.1
 */
export function decideRevokeAccessToken(
  facts: RevokeAccessTokenFacts,
  { client, claims, isFlood }: RevokeAccessTokenCommand,
  moment: Moment,
): Decision<Revoked> {
  const { now } = moment;
  if (claims.client_id !== client.id) return refuse('token_of_other_client');
  if (isOverEverywhere(claims, now)) return allow('nothing_to_revoke');
  if (accessTokenEnd(facts, claims, moment) !== undefined) return allow('nothing_to_revoke');
  if (facts.client?.version !== client.version) return refuse('client_changed');
  const { family, record } = facts;
  if (isFlood) return allow('revoked', [...cutOff(family, client.id, now), ...forgetWrites(record)], seen(client));
  const exp = Math.min(claims.exp + LEEWAY_SECONDS, eventExpiry(now)) as EpochSeconds;
  const subject = {
    token: claims.jti,
    client: client.id,
    ...(claims.fid === undefined ? {} : { family: claims.fid }),
    ...handleSubject(record),
  };
  return allow(
    'revoked',
    [
      { kind: 'revocation.emit', event: { kind: 'token', id: claims.jti, exp } },
      ...forgetWrites(record),
      auditOf(subject, client.id, now),
    ],
    seen(client),
  );
}

/** The row that the client was proved with. */
const seen = ({ id, version }: ProvedClient): readonly RowVersion[] => [{ table: 'client', id, version }];

/** A verifier's leeway, and the difference that clocks may have. */
const LEEWAY_SECONDS = 180;

/** Whether no verifier can accept a token any more, whatever its clock says. */
export const isOverEverywhere = ({ exp }: AccessTokenClaims, now: Moment['now']): boolean =>
  exp + LEEWAY_SECONDS <= seconds(now);

function cutOff(family: TokenFamily | undefined, clientId: ClientId, now: Moment['now']): readonly Write[] {
  const exp = eventExpiry(now);
  const subject = { client: clientId, ...(family === undefined ? {} : { family: family.id }) };
  const entry = { at: now, event: 'feed.cut_off_instead_of_tokens', actor: clientId, subject, detail: {} } as const;
  if (family === undefined)
    return [
      { kind: 'revocation.emit', event: { kind: 'client', id: clientId, exp } },
      { kind: 'alert.raise', entry },
    ];
  return [
    { kind: 'family.end', id: family.id, ended: { at: now, reason: 'revoked_by_client', by: clientId } },
    { kind: 'revocation.emit', event: { kind: 'family', id: family.id, exp } },
    { kind: 'alert.raise', entry },
  ];
}

const auditOf = (subject: Readonly<Record<string, string>>, actor: string, at: Moment['now']): Write => ({
  kind: 'audit.append',
  entry: { at, event: 'token.revoked', actor, subject, detail: {} },
});
