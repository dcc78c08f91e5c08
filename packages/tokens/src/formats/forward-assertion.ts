import type { AccessTokenClaims } from '@latchkey/protocol/claims';
import type { ErrorId } from '@latchkey/protocol/errors';
import { DURATIONS } from '@latchkey/protocol/limits';
import { fail, ok, type Result } from '@latchkey/protocol/result';
import type { EpochSeconds } from '@latchkey/protocol/types';
import type { KeySet } from '../keys/key-set.ts';
import type { Signer } from '../keys/signer.ts';
import { signCompact } from './compact.ts';
import { isMediaType, openCompact } from './open-compact.ts';
import { type JsonObject, member } from './strict-json.ts';

/** The type of an assertion: nothing else that Latchkey signs has it, and nothing that reads tokens takes it for one. */
const TYPE = 'latchkey-assertion+jwt';

/** What a proxy hands on of whoever sent a request, when the credential was found good: not the credential itself. */
export interface ForwardAssertionClaims {
  readonly iss: string;
  /** The audience of the API behind the proxy. */
  readonly aud: string;
  readonly sub: string;
  readonly client_id: string;
  readonly jti: string;
  readonly iat: EpochSeconds;
  readonly exp: EpochSeconds;
  readonly scope?: string;
  readonly roles?: readonly string[];
  readonly permissions?: readonly string[];
  readonly org_id?: string;
  readonly sid?: string;
  readonly api_key?: string;
  readonly auth_time?: number;
  readonly acr?: string;
  readonly amr?: readonly string[];
}

/** Which claims of a credential are told, where it has them. */
const TOLD = ['scope', 'roles', 'permissions', 'org_id', 'sid', 'api_key', 'auth_time', 'acr', 'amr'] as const;

/** Who asserts, to whom, when, and under which id. */
export interface Assertor {
  readonly issuer: string;
  readonly audience: string;
  readonly jti: string;
  readonly now: EpochSeconds;
}

/** The claims of an assertion about a credential: it lives for a minute, and never longer than what it is about. */
export function forwardAssertionOf(
  credential: AccessTokenClaims,
  { issuer, audience, jti, now }: Assertor,
): ForwardAssertionClaims {
  const told = TOLD.filter((name) => credential[name] !== undefined).map((name) => [name, credential[name]]);
  return {
    iss: issuer,
    aud: audience,
    sub: credential.sub,
    client_id: credential.client_id,
    jti,
    iat: now,
    exp: Math.min(credential.exp, now + DURATIONS.forwardAssertion) as EpochSeconds,
    ...(Object.fromEntries(told) as Partial<ForwardAssertionClaims>),
  };
}

/** Signs an assertion. */
export const encodeForwardAssertion = (claims: ForwardAssertionClaims, signer: Signer): string =>
  signCompact(TYPE, claims, signer);

/** What the API behind the proxy knows beforehand, none of it taken from the assertion. */
export interface ExpectedAssertion {
  readonly issuer: string;
  readonly audience: string;
}

/**
 * Checks form, signature, type, issuer, audience and time of an assertion. Nothing here throws on input.
 *
 * @returns `token_too_large`, `token_malformed`, `token_critical_header`, `token_type_wrong`, `token_key_unknown`,
 *   `token_algorithm_refused`, `token_signature_invalid`, `token_issuer_wrong`, `token_audience_wrong`,
 *   `token_claims_invalid`, `token_expired`, `token_not_yet_valid`
 * @spec RFC 8725 §3.11, §3.12
 */
export function decodeForwardAssertion(
  token: string,
  keys: KeySet,
  expected: ExpectedAssertion,
  now: EpochSeconds,
): Result<ForwardAssertionClaims, ErrorId> {
  const opened = openCompact(token, { keys, isType: (typ) => isMediaType(typ, TYPE) });
  if (!opened.ok) return opened;
  const claims = opened.value;
  if (member(claims, 'iss') !== expected.issuer) return fail('token_issuer_wrong');
  if (member(claims, 'aud') !== expected.audience) return fail('token_audience_wrong');
  if (!isAssertion(claims)) return fail('token_claims_invalid');
  if (now >= claims.exp + DURATIONS.leewayDefault) return fail('token_expired');
  return now < claims.iat - DURATIONS.leewayDefault ? fail('token_not_yet_valid') : ok(claims);
}

const isText = (value: unknown): boolean => typeof value === 'string';
const isTime = (value: unknown): boolean => typeof value === 'number' && Number.isFinite(value) && value >= 0;
const isList = (value: unknown): boolean => Array.isArray(value) && value.every(isText);
const maybe =
  (holds: (value: unknown) => boolean) =>
  (value: unknown): boolean =>
    value === undefined || holds(value);

const SHAPES: Readonly<Record<keyof ForwardAssertionClaims, (value: unknown) => boolean>> = {
  iss: isText,
  aud: isText,
  sub: isText,
  client_id: isText,
  jti: isText,
  iat: isTime,
  exp: isTime,
  scope: maybe(isText),
  roles: maybe(isList),
  permissions: maybe(isList),
  org_id: maybe(isText),
  sid: maybe(isText),
  api_key: maybe(isText),
  auth_time: maybe(isTime),
  acr: maybe(isText),
  amr: maybe(isList),
};

const isAssertion = (claims: JsonObject): claims is JsonObject & ForwardAssertionClaims =>
  Object.entries(SHAPES).every(([name, holds]) => holds(member(claims, name)));
