import type { ErrorId } from '@latchkey/protocol/errors';
import type { PublicJwk } from '@latchkey/protocol/jwk';
import { LIMITS } from '@latchkey/protocol/limits';
import { fail, ok, type Result } from '@latchkey/protocol/result';
import type { JwsHeader } from '../formats/compact.ts';
import type { VerificationKey } from './signer.ts';

/** Keys to verify with. Each fixes its algorithm; a `kid` is text to look up and nothing else. */
export interface KeySet {
  /**
   * The key for a header.
   *
   * @returns `token_key_unknown`, `token_algorithm_refused`
   * @spec RFC 7515 §4.1.4, RFC 8725 §3.1
   */
  find(header: JwsHeader): Result<VerificationKey, ErrorId>;
  readonly kids: readonly string[];
}

/** Makes a key of a JWK; undefined for one that is of no use here, whatever it is. */
export type ImportKey = (jwk: PublicJwk) => VerificationKey | undefined;

export function keySetOf(keys: readonly VerificationKey[]): KeySet {
  const byId = new Map(keys.map((key) => [key.kid, key]));
  return {
    kids: [...byId.keys()],
    find({ alg, kid }) {
      if (kid === undefined) return onlyOne(keys.filter((key) => key.alg === alg));
      const key = byId.get(kid);
      if (key === undefined) return fail('token_key_unknown');
      return key.alg === alg ? ok(key) : fail('token_algorithm_refused');
    },
  };
}

/** Without a `kid` the key must be beyond doubt. */
const onlyOne = ([key, another]: readonly VerificationKey[]): Result<VerificationKey, ErrorId> =>
  key !== undefined && another === undefined ? ok(key) : fail('token_key_unknown');

/**
 * Reads a key set that somebody publishes. Keys of other uses, kinds and strengths are left out, as the RFC asks, so
 * that one strange key does not take the others down; two keys with one `kid` are both left out, since neither is it.
 * Undefined when it is no key set, or larger than it may be.
 *
 * @spec RFC 7517 §5
 */
export function importKeySet(json: unknown, importKey: ImportKey): KeySet | undefined {
  if (typeof json !== 'object' || json === null || !('keys' in json) || !Array.isArray(json.keys)) return undefined;
  if (json.keys.length > LIMITS.keySetKeysMax) return undefined;
  const jwks = json.keys.filter(isSignatureJwk);
  const count = (kid: string) => jwks.filter((other) => other.kid === kid).length;
  const keys = jwks.filter(({ kid }) => count(kid) === 1).map(importKey);
  return keySetOf(keys.filter((key) => key !== undefined));
}

function isSignatureJwk(jwk: unknown): jwk is PublicJwk {
  if (typeof jwk !== 'object' || jwk === null) return false;
  const { kid, use, key_ops: operations, alg, kty } = jwk as Readonly<Record<string, unknown>>;
  if (typeof kid !== 'string' || kid.length === 0 || kid.length > LIMITS.kidMax) return false;
  if (typeof alg !== 'string' || typeof kty !== 'string') return false;
  if (use !== undefined && use !== 'sig') return false;
  return operations === undefined || (Array.isArray(operations) && operations.includes('verify'));
}
