import type { Introspection } from '@latchkey/protocol/claims';
import type { ErrorId } from '@latchkey/protocol/errors';
import { fail, ok, type Result } from '@latchkey/protocol/result';
import type { EpochSeconds } from '@latchkey/protocol/types';
import type { KeySet } from '../keys/key-set.ts';
import type { Signer } from '../keys/signer.ts';
import { signCompact } from './compact.ts';
import { isMediaType, openCompact } from './open-compact.ts';
import { type JsonObject, member } from './strict-json.ts';

/** The `typ` of an answer of introspection; with `application/` before it, its media type. @spec RFC 9701 §5, §10.1 */
export const INTROSPECTION_TYPE = 'token-introspection+jwt';

/** An answer of introspection that can be shown to others. */
export interface IntrospectionAnswer {
  readonly iss: string;
  /** The resource server that asked. */
  readonly aud: string;
  readonly iat: EpochSeconds;
  readonly introspection: Introspection;
}

/**
 * Signs an answer of introspection. Whom the token is about and until when it is good stand inside only, so that nobody
 * takes the answer for a token.
 *
 * @spec RFC 9701 §5
 */
export const encodeIntrospection = ({ iss, aud, iat, introspection }: IntrospectionAnswer, signer: Signer): string =>
  signCompact(INTROSPECTION_TYPE, { iss, aud, iat, token_introspection: introspection }, signer);

/** What whoever reads an answer knows beforehand, none of it taken from the answer. */
export interface ExpectedIntrospection {
  readonly issuer: string;
  readonly audience: string;
  readonly leewaySeconds: number;
  /** How old it may be: an answer has no end of its own. */
  readonly maxAgeSeconds: number;
}

/**
 * Checks form, type, key, signature, issuer, audience and age of a signed answer, and that it is one. Nothing here
 * throws on input.
 *
 * @returns `token_too_large`, `token_malformed`, `token_critical_header`, `token_type_wrong`, `token_key_unknown`,
 *   `token_algorithm_refused`, `token_signature_invalid`, `token_issuer_wrong`, `token_audience_wrong`,
 *   `token_claims_invalid`, `token_expired`, `token_not_yet_valid`
 * @spec RFC 9701 §5, §8.1; RFC 8725 §3.11
 */
export function decodeIntrospection(
  token: string,
  keys: KeySet,
  expected: ExpectedIntrospection,
  now: EpochSeconds,
): Result<IntrospectionAnswer, ErrorId> {
  const opened = openCompact(token, { keys, isType: (typ) => isMediaType(typ, INTROSPECTION_TYPE) });
  if (!opened.ok) return opened;
  const claims = opened.value;
  if (member(claims, 'iss') !== expected.issuer) return fail('token_issuer_wrong');
  if (member(claims, 'aud') !== expected.audience) return fail('token_audience_wrong');
  return answerOf(claims, expected, now);
}

function answerOf(
  claims: JsonObject,
  { issuer, audience, leewaySeconds, maxAgeSeconds }: ExpectedIntrospection,
  now: EpochSeconds,
): Result<IntrospectionAnswer, ErrorId> {
  const [iat, introspection] = [member(claims, 'iat'), member(claims, 'token_introspection')];
  if (Object.hasOwn(claims, 'sub') || Object.hasOwn(claims, 'exp')) return fail('token_claims_invalid');
  if (!isTime(iat) || !isIntrospection(introspection)) return fail('token_claims_invalid');
  if (now >= iat + maxAgeSeconds + leewaySeconds) return fail('token_expired');
  if (now < iat - leewaySeconds) return fail('token_not_yet_valid');
  return ok({ iss: issuer, aud: audience, iat, introspection });
}

/** Whether it says clearly that a token is active or is not; of one that is not, nothing else. */
function isIntrospection(value: unknown): value is Introspection {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, 'active')) return false;
  const { active } = value as { readonly active: unknown };
  return active === true || (active === false && Object.keys(value).length === 1);
}

const isTime = (value: unknown): value is EpochSeconds =>
  typeof value === 'number' && Number.isFinite(value) && value >= 0;
