import type { AccessTokenClaims } from '@latchkey/protocol/claims';
import { LIMITS } from '@latchkey/protocol/limits';
import { allow, type Decision, refuse } from '../decision.ts';
import type { StatusListReader } from '../ports/reader.ts';
import type { StatusListRow } from './status-list-row.ts';
import type { StatusPlace, TokenRecord } from './token-record.ts';

/** How many tokens a list is about; not all of its places are ever taken. */
export const STATUS_LIST_SIZE = 2 ** 17;
/** A list that is half full makes way for a new one: until then a random place is free half of the time, at worst. */
const TAKEN_MAX = STATUS_LIST_SIZE / 2;

/**
 * The longest name that a place has, for whoever must know how long a token can become before there is one: so many lists
 * are full after sixty billion tokens.
 */
export const LONGEST_PLACE: StatusPlace = { list: 999_999, index: STATUS_LIST_SIZE - 1 };

/** Where a status list is: what its tokens say, and its own `sub`. */
export const statusListUri = (list: number, issuer: string): string => `${issuer}/status-lists/${list}`;

/** The claims of a token with a place in a status list. @spec TSL draft-21 §6.1 */
export const claimsAt = (place: StatusPlace, claims: AccessTokenClaims): AccessTokenClaims => ({
  ...claims,
  status: { status_list: { idx: place.index, uri: statusListUri(place.list, claims.iss) } },
});

/** A token that is to have a place. */
export interface StatusPlaceCommand {
  readonly record: Omit<TokenRecord, 'status'>;
  /** Places to try, at random: so an index tells nothing of when its token was made, or for whom. One at least. */
  readonly candidates: readonly [number, ...number[]];
}

export interface StatusPlaceFacts {
  readonly newest: StatusListRow | undefined;
  /** The first of the candidates that no token has ever had in the newest list. */
  readonly free: number | undefined;
  /** How many tokens of the client have a place. */
  readonly listed: number;
}

export async function loadStatusPlace(
  read: StatusListReader,
  { record: { clientId }, candidates }: StatusPlaceCommand,
): Promise<StatusPlaceFacts> {
  const listed = await read.listedTokenRecords(clientId);
  const newest = await read.newestStatusList();
  if (newest === undefined || newest.taken >= TAKEN_MAX) return { newest, free: undefined, listed };
  for (const index of candidates)
    if (!(await read.isStatusTaken({ list: newest.number, index }))) return { newest, free: index, listed };
  return { newest, free: undefined, listed };
}

/**
 * Decides the place of a token in a status list: one of its own, which no other token had or will have. Its record goes
 * with it, or the list could not tell what became of the token. For the same reason no record makes way for another: a
 * client that has as many as it may gets no token until one of those has expired.
 *
 * @returns `overloaded`
 * @spec TSL draft-21 §12.1, §13.2 (TSL-13, TSL-14: random indexes, none allocated twice)
 */
export function decideStatusPlace(
  { newest, free, listed }: StatusPlaceFacts,
  { record, candidates: [first] }: StatusPlaceCommand,
): Decision<StatusPlace> {
  if (listed >= LIMITS.statusRecordsPerClientMax) return refuse('overloaded');
  const number = newest?.number ?? 0;
  const place = free === undefined ? { list: number + 1, index: first } : { list: number, index: free };
  return allow(place, [
    { kind: 'status_list.take', place },
    { kind: 'token.record', record: { ...record, status: place }, max: LIMITS.statusRecordsPerClientMax },
  ]);
}
