import type { ErrorId } from '@latchkey/protocol/errors';
import { DURATIONS, LIMITS } from '@latchkey/protocol/limits';
import { fail, ok, type Result } from '@latchkey/protocol/result';
import type { EpochSeconds } from '@latchkey/protocol/types';
import type { KeySet } from '../keys/key-set.ts';
import type { Signer } from '../keys/signer.ts';
import { signCompact } from './compact.ts';
import { isMediaType, openCompact } from './open-compact.ts';
import { decodeStatusList, encodeStatusList, type StatusList } from './status-list.ts';
import { type JsonObject, member } from './strict-json.ts';

/** The media type of a status list token, without `application/`. @spec TSL draft-21 §5.1, §14.7 */
const TYPE = 'statuslist+jwt';

/** A status list with the word of its issuer for it. */
export interface StatusListToken {
  /** Where the list is, as the tokens in it say. */
  readonly uri: string;
  readonly iat: EpochSeconds;
  /** From when on the list says nothing any more. */
  readonly exp: EpochSeconds | undefined;
  /** For how many seconds after it was fetched the list may be used. */
  readonly ttl: number | undefined;
  readonly list: StatusList;
}

/** Signs a status list. @spec TSL draft-21 §5.1 (TSL-02) */
export function encodeStatusListToken({ uri, iat, exp, ttl, list }: StatusListToken, signer: Signer): string {
  const claims = { sub: uri, iat, exp, ttl, status_list: encodeStatusList(list) };
  return signCompact(TYPE, claims, signer);
}

/** What the reader knows beforehand. */
export interface ExpectedStatusList {
  /** The `uri` of the token whose status is looked up. */
  readonly uri: string;
  readonly leewaySeconds: number;
}

/**
 * Checks form, type, key, signature, place and time of a status list token, then reads its list. The keys are those of
 * the issuer that the reader trusts: nothing of the token chooses them but a `kid` among them.
 *
 * @returns `token_too_large`, `token_malformed`, `token_critical_header`, `token_type_wrong`, `token_key_unknown`,
 *   `token_algorithm_refused`, `token_signature_invalid`, `token_claims_invalid`, `token_expired`, `token_not_yet_valid`
 * @spec TSL draft-21 §8.3; RFC 8725 §3
 */
export async function decodeStatusListToken(
  token: string,
  keys: KeySet,
  expected: ExpectedStatusList,
  now: EpochSeconds,
): Promise<Result<StatusListToken, ErrorId>> {
  const opened = openCompact(token, { keys, isType: (typ) => isMediaType(typ, TYPE), max: LIMITS.statusListTokenMax });
  if (!opened.ok) return opened;
  const claims = opened.value;
  const times = timesOf(claims, expected, now);
  if (!times.ok) return times;
  const list = await decodeStatusList(member(claims, 'status_list'));
  return list === undefined ? fail('token_claims_invalid') : ok({ uri: expected.uri, ...times.value, list });
}

function timesOf(
  claims: JsonObject,
  { uri, leewaySeconds }: ExpectedStatusList,
  now: EpochSeconds,
): Result<Pick<StatusListToken, 'iat' | 'exp' | 'ttl'>, ErrorId> {
  const [iat, exp, ttl] = [member(claims, 'iat'), member(claims, 'exp'), member(claims, 'ttl')];
  // to the letter: a list under another name may be about other tokens
  if (member(claims, 'sub') !== uri) return fail('token_claims_invalid');
  if (!isTime(iat) || (exp !== undefined && !isTime(exp))) return fail('token_claims_invalid');
  if (ttl !== undefined && (!isTime(ttl) || ttl <= 0)) return fail('token_claims_invalid');
  // no leeway: what a list said before its end may be false after it
  if (exp !== undefined && now >= exp) return fail('token_expired');
  if (now < iat - Math.max(leewaySeconds, DURATIONS.issuedInFuture)) return fail('token_not_yet_valid');
  return ok({ iat, exp, ttl });
}

const isTime = (value: unknown): value is EpochSeconds =>
  typeof value === 'number' && Number.isFinite(value) && value >= 0;
