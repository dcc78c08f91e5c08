import { createHash } from 'node:crypto';
import type { ErrorId } from '@latchkey/protocol/errors';
import type { SigningAlgorithm } from '@latchkey/protocol/jwk';
import { fail, ok, type Result } from '@latchkey/protocol/result';
import type { KeySet } from '../keys/key-set.ts';
import type { Signer } from '../keys/signer.ts';
import { encodeBase64url } from './base64url.ts';
import { signCompact } from './compact.ts';
import { openCompact } from './open-compact.ts';
import { type JsonObject, member } from './strict-json.ts';

/**
 * The claims of an ID token. Its audience is always the one client that asked.
 *
 * @spec OIDC Core §2, §3.1.3.6; `sid` OIDC Front-Channel Logout §3
 */
export interface IdTokenClaims {
  readonly iss: string;
  readonly sub: string;
  readonly aud: string;
  readonly azp: string;
  readonly exp: number;
  readonly iat: number;
  readonly auth_time?: number;
  readonly nonce?: string;
  readonly acr?: string;
  readonly amr?: readonly string[];
  readonly at_hash?: string;
  readonly sid?: string;
  readonly [claim: string]: unknown;
}

/** Mints an ID token. @spec OIDC Core §2 */
export const encodeIdToken = (claims: IdTokenClaims, signer: Signer): string => signCompact('JWT', claims, signer);

const HASHES: Readonly<Record<SigningAlgorithm, 'sha256' | 'sha512'>> = {
  ES256: 'sha256',
  RS256: 'sha256',
  PS256: 'sha256',
  Ed25519: 'sha512',
};

/**
 * The `at_hash` of an access token: the left half of its hash, by the hash function of the ID token's own algorithm.
 *
 * @spec OIDC Core §3.1.3.6; RFC 8032 §5.1 (Ed25519 hashes with SHA-512)
 */
export function accessTokenHash(accessToken: string, alg: SigningAlgorithm): string {
  const hash = createHash(HASHES[alg]).update(accessToken).digest();
  return encodeBase64url(hash.subarray(0, hash.length / 2));
}

/** Whom an ID token that comes back is about. */
export interface IdTokenHint {
  readonly sub: string;
  readonly aud: string;
  readonly sid: string | undefined;
}

/**
 * Decides whom an ID token that comes back as a hint is about: one of ours, whose signature holds, however old it is.
 * An access token or a logout token under the same key is no ID token. Nothing here throws on input.
 *
 * @returns `token_too_large`, `token_malformed`, `token_critical_header`, `token_type_wrong`, `token_key_unknown`,
 *   `token_algorithm_refused`, `token_signature_invalid`, `token_issuer_wrong`, `token_claims_invalid`
 * @spec OIDC Core §3.1.2.1; OIDC RP-Initiated Logout §2 (LOGO-02: `exp` is not looked at); RFC 8725 §3.11, §3.12
 */
export function decodeIdTokenHint(token: string, keys: KeySet, issuer: string): Result<IdTokenHint, ErrorId> {
  const opened = openCompact(token, { keys, isType: isIdTokenType });
  if (!opened.ok) return opened;
  const claims = opened.value;
  if (member(claims, 'iss') !== issuer) return fail('token_issuer_wrong');
  return hintOf(claims);
}

const isIdTokenType = (typ: string | undefined): boolean => typ === undefined || typ.toUpperCase() === 'JWT';

/** What ID tokens never have: they are of access tokens and of logout tokens, which may be of the type JWT too. */
const FOREIGN = ['client_id', 'jti', 'pos', 'scope', 'events'] as const;

function hintOf(claims: JsonObject): Result<IdTokenHint, 'token_claims_invalid'> {
  const [sub, aud, sid] = [member(claims, 'sub'), member(claims, 'aud'), member(claims, 'sid')];
  if (FOREIGN.some((name) => Object.hasOwn(claims, name))) return fail('token_claims_invalid');
  if (typeof sub !== 'string' || typeof aud !== 'string' || member(claims, 'azp') !== aud)
    return fail('token_claims_invalid');
  return sid === undefined || typeof sid === 'string' ? ok({ sub, aud, sid }) : fail('token_claims_invalid');
}
