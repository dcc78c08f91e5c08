import type { AccessTokenClaims, RevocationEvent } from '@latchkey/protocol/claims';
import { parseId } from '@latchkey/protocol/ids';
import { isBefore, type Position, parsePosition } from '@latchkey/protocol/position';
import type { Account } from '../accounts/account.ts';
import { type ApiKeyLifelines, apiKeyEnd, loadApiKey } from '../api-keys/life.ts';
import type { Client } from '../clients/client.ts';
import type { Session } from '../login/session.ts';
import type { Moment, Reader } from '../ports/reader.ts';
import type { TokenFamily } from './family.ts';
import { isAccountLive, isClientLive, isSessionLive } from './liveness.ts';

/** What the server looks up about an access token whose signature, audience and time are in order. */
export interface AccessTokenFacts {
  readonly account: Account | undefined;
  readonly client: Client | undefined;
  readonly session: Session | undefined;
  readonly family: TokenFamily | undefined;
  /** The API key that it was made of, and the client that this key acts for, where it is another than asked for it. */
  readonly apiKey: ApiKeyLifelines | undefined;
  readonly owner: Client | undefined;
  /** Events that name the token itself, and those that name everything. */
  readonly events: readonly RevocationEvent[];
}

export async function loadAccessTokenFacts(
  read: Reader,
  claims: AccessTokenClaims,
  { now }: Moment,
): Promise<AccessTokenFacts> {
  const clientId = parseId('cli', claims.client_id);
  const familyId = claims.fid === undefined ? undefined : parseId('fam', claims.fid);
  const family = familyId === undefined ? undefined : await read.family(familyId);
  // with a pairwise subject the token itself says neither who it is about nor in which session
  const accountId = family?.accountId ?? parseId('acc', claims.sub);
  const ownerId = claims.api_key === undefined ? undefined : parseId('cli', claims.sub);
  const sessionId = family?.sessionId ?? parseId('ses', claims.sid ?? '');
  return {
    account: accountId === undefined ? undefined : await read.account(accountId),
    client: clientId === undefined ? undefined : await read.client(clientId),
    session: sessionId === undefined ? undefined : await read.session(sessionId),
    family,
    apiKey: claims.api_key === undefined ? undefined : await loadApiKey(read, claims.api_key),
    owner: ownerId === undefined ? undefined : await read.client(ownerId),
    events: [...(await read.revocationsOf(claims.jti, now)), ...(await read.revocationsOf('', now))],
  };
}

/** Why an access token no longer lives, as the name of what has ended. */
export type AccessTokenEnd = 'token' | 'api_key' | 'family' | 'session' | 'account' | 'client' | 'everything';

/**
 * Says what has ended of all that an access token depends on; undefined while all of it lives. The server decides by
 * its own rows, never by a copy that may lag. What was made of an API key dies with it; it names the key as its client
 * where no client asked for it.
 */
export function accessTokenEnd(
  facts: AccessTokenFacts,
  claims: AccessTokenClaims,
  { now }: Moment,
): AccessTokenEnd | undefined {
  const pos = claims.pos === undefined ? BEGINNING : (parsePosition(claims.pos) ?? BEGINNING);
  if (facts.events.some(({ kind }) => kind === 'token')) return 'token';
  if (facts.events.some((event) => event.kind === 'all' && isBefore(pos, event))) return 'everything';
  const { apiKey, owner } = facts;
  if (claims.api_key !== undefined && (apiKey === undefined || apiKeyEnd(apiKey, now) !== undefined)) return 'api_key';
  if (claims.client_id !== claims.api_key && !isClientLive(facts.client, pos)) return 'client';
  if (claims.fid !== undefined && facts.family === undefined) return 'family';
  const isSubjectLive = isAccountLive(facts.account, pos) || isClientLive(owner, pos);
  if (claims.sub !== claims.client_id && !isSubjectLive) return 'account';
  const isInSession = claims.sid !== undefined || facts.family?.sessionId !== undefined;
  if (isInSession && !isSessionLive(facts.session, now)) return 'session';
  return facts.family?.ended === undefined ? undefined : 'family';
}

/** A token without a place in the log stands before everything. */
const BEGINNING: Position = { epoch: 0, seq: 0 };
