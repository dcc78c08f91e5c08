import type { AccessTokenClaims } from '@latchkey/protocol/claims';
import type { ErrorId } from '@latchkey/protocol/errors';
import { DURATIONS } from '@latchkey/protocol/limits';
import { parsePosition } from '@latchkey/protocol/position';
import { fail, ok, type Result } from '@latchkey/protocol/result';
import type { EpochSeconds } from '@latchkey/protocol/types';
import type { KeySet } from '../keys/key-set.ts';
import type { Signer } from '../keys/signer.ts';
import { createHeaderCache, type HeaderCache, parseCompact, parsePayload, signCompact } from './compact.ts';
import { isMediaType, openCompact } from './open-compact.ts';
import { type JsonObject, member } from './strict-json.ts';

/** The media type of an access token; `JWT` only where a resource's verifiers know no other. @spec RFC 9068 §2.1 */
export type AccessTokenType = 'at+jwt' | 'JWT';

/** Mints a JWT access token. @spec RFC 9068 §2 */
export const encodeAccessToken = (claims: AccessTokenClaims, signer: Signer, typ: AccessTokenType = 'at+jwt'): string =>
  signCompact(typ, claims, signer);

/** What whoever checks a token knows beforehand, none of it taken from the token. */
export interface Expected {
  readonly issuer: string;
  readonly audience: string;
  readonly leewaySeconds: number;
  readonly typ: AccessTokenType;
}

/** Decodes access tokens; keeps the headers that it has read. */
export type DecodeAccessToken = (
  token: string,
  keys: KeySet,
  expected: Expected,
  now: EpochSeconds,
) => Result<AccessTokenClaims, ErrorId>;

/**
 * Checks form, type, key, signature, issuer, audience, time and claims, in this order, in one answer. Nothing of a
 * token is told before its signature holds: an expired token with a bad signature has a bad signature.
 * Whatever the bytes, the answer is a value: nothing here throws on input.
 *
 * @returns `token_too_large`, `token_malformed`, `token_critical_header`, `token_type_wrong`, `token_key_unknown`,
 *   `token_algorithm_refused`, `token_signature_invalid`, `token_issuer_wrong`, `token_audience_wrong`,
 *   `token_claims_invalid`, `token_expired`, `token_not_yet_valid`
 * @spec RFC 9068 §4, RFC 8725 §3
 */
export function createAccessTokenDecoder(headers: HeaderCache = createHeaderCache()): DecodeAccessToken {
  return (token, keys, expected, now) => {
    const opened = openCompact(token, { keys, headers, isType: (typ) => isMediaType(typ, expected.typ) });
    return opened.ok ? checkAccessTokenClaims(opened.value, expected, now) : opened;
  };
}

/**
 * Checks issuer, audience, time and the types of claims, of a token or of what introspection says of one.
 *
 * @returns `token_issuer_wrong`, `token_audience_wrong`, `token_claims_invalid`, `token_expired`, `token_not_yet_valid`
 * @spec RFC 9068 §4, RFC 7662 §2.2 (INT-11)
 */
export function checkAccessTokenClaims(
  claims: JsonObject,
  expected: Expected,
  now: EpochSeconds,
): Result<AccessTokenClaims, ErrorId> {
  const error = claimsError(claims, expected, now);
  return error === undefined ? ok(claims as unknown as AccessTokenClaims) : fail(error);
}

/** Reads what a token says without believing it: for explaining, never for deciding. The type cannot be mistaken. */
export function decodeUnverified(token: string): UnverifiedToken | undefined {
  const jws = parseCompact(token, createHeaderCache(1));
  if (!jws.ok) return undefined;
  const claims = parsePayload(jws.value.payload);
  return claims === undefined ? undefined : { unverified: true, header: jws.value.header, claims };
}

export interface UnverifiedToken {
  readonly unverified: true;
  readonly header: { readonly alg: string; readonly kid: string | undefined; readonly typ: string | undefined };
  readonly claims: JsonObject;
}

function claimsError(claims: JsonObject, expected: Expected, now: EpochSeconds): ErrorId | undefined {
  if (member(claims, 'iss') !== expected.issuer) return 'token_issuer_wrong';
  if (!isAudience(member(claims, 'aud'), expected.audience)) return 'token_audience_wrong';
  if (!hasValidTypes(claims) || (expected.typ === 'JWT' && isIdToken(claims))) return 'token_claims_invalid';
  return timeError(claims, expected.leewaySeconds, now);
}

function isAudience(aud: unknown, expected: string): boolean {
  if (typeof aud === 'string') return aud === expected;
  return Array.isArray(aud) && aud.every((one) => typeof one === 'string') && aud.includes(expected);
}

const TEXTS = ['sub', 'client_id', 'jti'] as const;
const OPTIONAL_TEXTS = ['scope', 'sid', 'fid', 'acr', 'org_id', 'api_key'] as const;
const OPTIONAL_LISTS = ['roles', 'permissions', 'amr'] as const;
const OPTIONAL_OBJECTS = ['cnf', 'act'] as const;

const isObject = (value: unknown): boolean => typeof value === 'object' && value !== null && !Array.isArray(value);
const isTexts = (value: unknown): boolean => Array.isArray(value) && value.every((one) => typeof one === 'string');

/** @spec RFC 9068 §2.2 */
function hasValidTypes(claims: JsonObject): boolean {
  const absentOr = (name: string, test: (value: unknown) => boolean): boolean => {
    const value = member(claims, name);
    return value === undefined || test(value);
  };
  const isText = (value: unknown): boolean => typeof value === 'string';
  return (
    TEXTS.every((name) => isText(member(claims, name))) &&
    OPTIONAL_TEXTS.every((name) => absentOr(name, isText)) &&
    OPTIONAL_LISTS.every((name) => absentOr(name, isTexts)) &&
    OPTIONAL_OBJECTS.every((name) => absentOr(name, isObject)) &&
    absentOr('auth_time', Number.isFinite) &&
    absentOr('pos', (value) => typeof value === 'string' && parsePosition(value) !== undefined)
  );
}

/** An ID token under the same key and `typ` is told by the claims that only it has. @spec RFC 8725 §3.12 */
const isIdToken = (claims: JsonObject): boolean =>
  ['nonce', 'at_hash', 'c_hash', 'events'].some((name) => Object.hasOwn(claims, name));

/** @spec RFC 7519 §4.1.4 to §4.1.6; a time more than ten years ahead is one in milliseconds */
function timeError(claims: JsonObject, leeway: number, now: EpochSeconds): ErrorId | undefined {
  const [exp, nbf, iat] = [member(claims, 'exp'), member(claims, 'nbf'), member(claims, 'iat')];
  if (!isTime(exp) || !isTime(iat) || (nbf !== undefined && !isTime(nbf))) return 'token_claims_invalid';
  if (exp > now + DURATIONS.expiryAheadMax) return 'token_claims_invalid';
  if (now >= exp + leeway) return 'token_expired';
  return now < validFrom({ nbf, iat }, leeway) ? 'token_not_yet_valid' : undefined;
}

/** The first second in which a token may be accepted: `nbf` allows for the leeway, `iat` for ten seconds at least. */
export function validFrom(
  { nbf = 0, iat }: { readonly nbf?: number | undefined; readonly iat: number },
  leeway: number,
): number {
  return Math.max(nbf - leeway, iat - Math.max(leeway, DURATIONS.issuedInFuture));
}

const isTime = (value: unknown): value is number => typeof value === 'number' && Number.isFinite(value) && value >= 0;
