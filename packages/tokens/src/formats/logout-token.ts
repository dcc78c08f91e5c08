import type { ErrorId } from '@latchkey/protocol/errors';
import { DURATIONS } from '@latchkey/protocol/limits';
import { fail, ok, type Result } from '@latchkey/protocol/result';
import type { EpochSeconds } from '@latchkey/protocol/types';
import type { KeySet } from '../keys/key-set.ts';
import type { Signer } from '../keys/signer.ts';
import { signCompact } from './compact.ts';
import { isMediaType, openCompact } from './open-compact.ts';
import { type JsonObject, member } from './strict-json.ts';

/** The member of `events` that makes a token one of logout. @spec OIDC Back-Channel Logout §2.4 */
const LOGOUT_EVENT = 'http://schemas.openid.net/event/backchannel-logout';

/** Of whom, or of which session, a client is told that it has ended: one of both at least. */
export interface LogoutTokenClaims {
  readonly iss: string;
  readonly aud: string;
  readonly iat: EpochSeconds;
  readonly exp: EpochSeconds;
  readonly jti: string;
  readonly sub: string | undefined;
  readonly sid: string | undefined;
}

/** Mints a logout token. It never has a nonce, so that it cannot pass for an ID token. @spec OIDC Back-Channel Logout §2.4 */
export const encodeLogoutToken = ({ sub, sid, ...claims }: LogoutTokenClaims, signer: Signer): string =>
  signCompact(
    'logout+jwt',
    {
      ...claims,
      events: { [LOGOUT_EVENT]: {} },
      ...(sub === undefined ? {} : { sub }),
      ...(sid === undefined ? {} : { sid }),
    },
    signer,
  );

/** What the client knows beforehand, none of it taken from the token. */
export interface ExpectedLogout {
  readonly issuer: string;
  readonly clientId: string;
}

/**
 * Checks form, signature, type, issuer, audience and time of a logout token, and that it is one of logout. Whether its
 * `jti` was seen before is for whoever keeps them. Nothing here throws on input.
 *
 * @returns `token_too_large`, `token_malformed`, `token_critical_header`, `token_type_wrong`, `token_key_unknown`,
 *   `token_algorithm_refused`, `token_signature_invalid`, `token_issuer_wrong`, `token_audience_wrong`,
 *   `token_claims_invalid`, `token_expired`, `token_not_yet_valid`
 * @spec OIDC Back-Channel Logout §2.6; RFC 8725 §3.11
 */
export function decodeLogoutToken(
  token: string,
  keys: KeySet,
  expected: ExpectedLogout,
  now: EpochSeconds,
): Result<LogoutTokenClaims, ErrorId> {
  const opened = openCompact(token, { keys, isType: (typ) => isMediaType(typ, 'logout+jwt') });
  if (!opened.ok) return opened;
  const claims = opened.value;
  if (member(claims, 'iss') !== expected.issuer) return fail('token_issuer_wrong');
  if (member(claims, 'aud') !== expected.clientId) return fail('token_audience_wrong');
  return claimsOf(claims, expected, now);
}

function claimsOf(
  claims: JsonObject,
  { issuer, clientId }: ExpectedLogout,
  now: EpochSeconds,
): Result<LogoutTokenClaims, ErrorId> {
  const [iat, exp, jti] = [member(claims, 'iat'), member(claims, 'exp'), member(claims, 'jti')];
  const [sub, sid] = [member(claims, 'sub'), member(claims, 'sid')];
  if (Object.hasOwn(claims, 'nonce') || !isLogout(member(claims, 'events'))) return fail('token_claims_invalid');
  if (!isTime(iat) || !isTime(exp) || typeof jti !== 'string' || !isOptionalText(sub) || !isOptionalText(sid))
    return fail('token_claims_invalid');
  if (sub === undefined && sid === undefined) return fail('token_claims_invalid');
  if (now >= exp + DURATIONS.leewayDefault) return fail('token_expired');
  if (now < iat - DURATIONS.leewayDefault) return fail('token_not_yet_valid');
  return ok({ iss: issuer, aud: clientId, iat, exp, jti, sub, sid });
}

/** The event is there, and is an object. */
function isLogout(events: unknown): boolean {
  if (!isObject(events)) return false;
  return Object.hasOwn(events, LOGOUT_EVENT) && isObject(events[LOGOUT_EVENT]);
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const isOptionalText = (value: unknown): value is string | undefined =>
  value === undefined || typeof value === 'string';
const isTime = (value: unknown): value is EpochSeconds =>
  typeof value === 'number' && Number.isFinite(value) && value >= 0;
