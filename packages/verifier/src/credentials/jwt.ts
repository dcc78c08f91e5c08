import type { AccessTokenClaims } from '@latchkey/protocol/claims';
import type { ErrorId } from '@latchkey/protocol/errors';
import { fail, ok, type Result } from '@latchkey/protocol/result';
import type { EpochSeconds } from '@latchkey/protocol/types';
import { createAccessTokenDecoder, type Expected, validFrom } from '@latchkey/tokens/formats/access-token-jwt';
import type { KeySet } from '@latchkey/tokens/keys/key-set';
import { withSharedSecrets } from '@latchkey/tokens/keys/shared-secret';
import { type Access, accessOf } from '../access.ts';
import type { CredentialKind } from '../credential.ts';
import { createDecryption } from '../decryption.ts';
import type { Freshness } from '../freshness.ts';
import type { Known } from '../known.ts';
import type { Config } from '../options.ts';
import { revocableOf } from '../revocation-set.ts';
import type { CachedToken } from '../token-cache.ts';

/** Signed tokens: decided by keys, claims and what is known of revocations, without asking anybody. */
export function createJwtKind(config: Config, known: Known, freshness: Freshness): CredentialKind {
  const { keys, revocations, cache, introspector } = known;
  const decode = createAccessTokenDecoder();
  const decryption = createDecryption(config);
  const { now, issuer, audience, leewaySeconds, tokenType } = config;
  const expected: Expected = { issuer, audience, leewaySeconds, typ: tokenType };
  let guarded: { readonly of: KeySet; readonly keys: KeySet } | undefined;
  let lastKid = '';

  /** The key set without the keys whose revocation is known, whatever a key set of the server says. */
  function guardedKeys(of: KeySet): KeySet {
    if (guarded?.of === of) return guarded.keys;
    const all = withSharedSecrets(of, config.sharedSecrets);
    const find: KeySet['find'] = (header) => {
      // first: a key that the set lacks by now must not make us look for it again
      if (header.kid !== undefined && revocations.isKeyRevoked(header.kid)) return fail('token_key_revoked');
      const key = all.find(header);
      if (!key.ok) return key;
      if (revocations.isKeyRevoked(key.value.kid)) return fail('token_key_revoked');
      lastKid = key.value.kid;
      return key;
    };
    guarded = { of, keys: { kids: of.kids, find } };
    return guarded.keys;
  }

  /**
   * What holds for a token, whether or not the feed is current; undefined when there are no keys yet, or when it must be
   * decrypted and was not. It is kept by its outer text: one that was seen is not decrypted again.
   */
  function look(token: string, opened = decryption.now): Result<CachedToken, ErrorId> | undefined {
    const seconds = now() / 1000;
    const hit = cache.get(token);
    if (hit !== undefined) {
      if (seconds >= hit.notAfter) {
        cache.delete(token);
        return fail('token_expired');
      }
      if (seconds < hit.notBefore) return fail('token_not_yet_valid');
      return revocations.isRevoked(hit.revocable) ? fail('token_revoked') : ok(hit);
    }
    const signed = opened(token);
    if (signed?.ok === false) return signed;
    const keySet = keys.current;
    if (signed === undefined || keySet === undefined) return undefined;
    const decoded = decode(signed.value, guardedKeys(keySet), expected, Math.floor(seconds) as EpochSeconds);
    return decoded.ok ? remember(token, decoded.value) : decoded;
  }

  function remember(token: string, claims: AccessTokenClaims): Result<CachedToken, ErrorId> {
    if (claims.cnf !== undefined) return fail('token_sender_unproved'); // whoever holds a bound token must prove it
    const entry: CachedToken = {
      token,
      access: accessOf(claims),
      revocable: revocableOf(claims, lastKid),
      notAfter: claims.exp + leewaySeconds,
      notBefore: validFrom(claims, leewaySeconds),
    };
    if (revocations.isRevoked(entry.revocable)) return fail('token_revoked');
    cache.set(entry);
    return ok(entry);
  }

  async function introspected(token: string, { access, revocable }: CachedToken): Promise<Result<Access, ErrorId>> {
    const endpoint = keys.introspectionEndpoint;
    const isActive = endpoint === undefined ? undefined : await introspector.isActive(token, endpoint);
    if (isActive === undefined) return fail('verifier_stale');
    // the feed may have come back meanwhile, with news that is younger than the answer
    return isActive && !revocations.isRevoked(revocable) ? ok(access) : fail('token_revoked');
  }

  return {
    now(token) {
      const verified = look(token);
      if (verified === undefined || (!verified.ok && verified.error === 'token_key_unknown')) return undefined;
      return verified.ok ? freshness.decide(verified.value.access) : verified;
    },
    async later(token) {
      if (keys.current === undefined) await keys.ready().catch(() => {});
      const opened = cache.get(token) === undefined ? await decryption.later(token) : undefined;
      let verified = look(token, () => opened);
      if (verified !== undefined && !verified.ok && verified.error === 'token_key_unknown' && (await keys.lookAgain()))
        verified = look(token, () => opened);
      if (verified === undefined) return fail('keys_unavailable');
      if (!verified.ok) return verified;
      return freshness.decide(verified.value.access) ?? introspected(token, verified.value);
    },
  };
}
