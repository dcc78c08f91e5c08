import type { AccessTokenClaims } from '@latchkey/protocol/claims';
import type { ErrorId } from '@latchkey/protocol/errors';
import { LIMITS } from '@latchkey/protocol/limits';
import { fail, ok, type Result } from '@latchkey/protocol/result';
import type { EpochSeconds } from '@latchkey/protocol/types';
import { createAccessTokenDecoder, type Expected, validFrom } from '@latchkey/tokens/formats/access-token-jwt';
import type { KeySet } from '@latchkey/tokens/keys/key-set';
import { type Access, accessOf, staleAccess } from './access.ts';
import type { Introspector } from './introspection.ts';
import type { KeySource } from './key-source.ts';
import type { Config } from './options.ts';
import { type RevocationSet, revocableOf } from './revocation-set.ts';
import type { Staleness } from './staleness.ts';
import type { CachedToken, TokenCache } from './token-cache.ts';

/** What decisions about tokens are made of. */
export interface Known {
  readonly keys: KeySource;
  readonly staleness: Staleness;
  readonly revocations: RevocationSet;
  readonly cache: TokenCache;
  readonly introspector: Introspector;
  /** Since when there may have been a revocation that was not understood. */
  readonly unknown: { readonly since: number | undefined };
}

export interface Judge {
  /** Decides by what is here; undefined when something must be fetched first. */
  now(token: string): Result<Access, ErrorId> | undefined;
  later(token: string): Promise<Result<Access, ErrorId>>;
  isStale(): boolean;
}

/** Decides about tokens by what is known. */
export function createJudge(config: Config, known: Known): Judge {
  const { keys, staleness, revocations, cache, introspector, unknown } = known;
  const decode = createAccessTokenDecoder();
  const { now, monotonic, onStale, issuer, audience, leewaySeconds, tokenType } = config;
  const expected: Expected = { issuer, audience, leewaySeconds, typ: tokenType };
  const bound = config.maxStalenessSeconds * 1000;
  let guarded: { readonly of: KeySet; readonly keys: KeySet } | undefined;
  let lastKid = '';

  /** For how long the knowledge of revocations has been too old, in milliseconds; below 0 while it is current. */
  function staleFor(): number {
    if (revocations.isFull) return Number.POSITIVE_INFINITY;
    const since = staleness.milliseconds() - bound;
    return unknown.since === undefined ? since : Math.max(since, monotonic() - unknown.since, 1);
  }

  /** The key set without the keys whose revocation is known, whatever a key set of the server says. */
  function guardedKeys(of: KeySet): KeySet {
    if (guarded?.of === of) return guarded.keys;
    const find: KeySet['find'] = (header) => {
      // first: a key that the set lacks by now must not make us look for it again
      if (header.kid !== undefined && revocations.isKeyRevoked(header.kid)) return fail('token_key_revoked');
      const key = of.find(header);
      if (!key.ok) return key;
      if (revocations.isKeyRevoked(key.value.kid)) return fail('token_key_revoked');
      lastKid = key.value.kid;
      return key;
    };
    guarded = { of, keys: { kids: of.kids, find } };
    return guarded.keys;
  }

  /** What holds for a token, whether or not the feed is current; undefined when there are no keys yet. */
  function look(token: string): Result<CachedToken, ErrorId> | undefined {
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
    const keySet = keys.current;
    if (keySet === undefined) return undefined;
    const decoded = decode(token, guardedKeys(keySet), expected, Math.floor(seconds) as EpochSeconds);
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

  /** What holds for a good token by what is known of revocations; undefined when the server must be asked. */
  function whenStale({ access }: CachedToken): Result<Access, ErrorId> | undefined {
    const since = staleFor();
    if (since <= 0) return ok(access);
    if (onStale === 'introspect') return undefined;
    if (onStale === 'reject' || !staleness.hasSnapshot || since > config.maxAcceptSeconds * 1000)
      return fail('verifier_stale');
    config.onEvent({ event: 'stale_accepted' });
    return ok(staleAccess(access));
  }

  function judgeNow(token: string): Result<Access, ErrorId> | undefined {
    if (typeof token !== 'string') return fail('token_malformed'); // callers without types
    if (token.length > LIMITS.tokenMax) return fail('token_too_large');
    const verified = look(token);
    if (verified === undefined || (!verified.ok && verified.error === 'token_key_unknown')) return undefined;
    return verified.ok ? whenStale(verified.value) : verified;
  }

  async function judgeLater(token: string): Promise<Result<Access, ErrorId>> {
    if (keys.current === undefined) await keys.ready().catch(() => {});
    let verified = look(token);
    if (verified !== undefined && !verified.ok && verified.error === 'token_key_unknown' && (await keys.lookAgain()))
      verified = look(token);
    if (verified === undefined) return fail('keys_unavailable');
    if (!verified.ok) return verified;
    return whenStale(verified.value) ?? introspected(token, verified.value);
  }

  async function introspected(token: string, { access, revocable }: CachedToken): Promise<Result<Access, ErrorId>> {
    const endpoint = keys.introspectionEndpoint;
    const isActive = endpoint === undefined ? undefined : await introspector.isActive(token, endpoint);
    if (isActive === undefined) return fail('verifier_stale');
    // the feed may have come back meanwhile, with news that is younger than the answer
    return isActive && !revocations.isRevoked(revocable) ? ok(access) : fail('token_revoked');
  }

  return { now: judgeNow, later: judgeLater, isStale: () => staleFor() > 0 };
}
