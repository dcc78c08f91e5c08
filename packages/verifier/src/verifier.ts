import { parseBearer } from '@latchkey/protocol/bearer';
import type { AccessTokenClaims } from '@latchkey/protocol/claims';
import type { ErrorId } from '@latchkey/protocol/errors';
import { DURATIONS, LIMITS } from '@latchkey/protocol/limits';
import { fail, ok, type Result } from '@latchkey/protocol/result';
import type { EpochSeconds } from '@latchkey/protocol/types';
import { createAccessTokenDecoder, type Expected } from '@latchkey/tokens/formats/access-token-jwt';
import type { KeySet } from '@latchkey/tokens/keys/key-set';
import { type Access, accessOf, staleAccess } from './access.ts';
import { type Rejection, rejectionOf } from './challenge.ts';
import { tokenOfCookie } from './cookie.ts';
import { type FeedFollower, followFeed } from './feed.ts';
import { guardError, type Requirements } from './guards.ts';
import { createIntrospector } from './introspection.ts';
import { createKeySource } from './key-source.ts';
import { type Config, configOf, type VerifierOptions } from './options.ts';
import { createRefusalReports } from './refusal-reports.ts';
import type { RequestLike } from './request.ts';
import { createRevocationSet, revocableOf } from './revocation-set.ts';
import { createStaleness } from './staleness.ts';
import { type CachedToken, createTokenCache } from './token-cache.ts';

/** Verifies access tokens locally, and refuses those that were revoked. */
export interface Verifier {
  /** Resolves when there are keys and the log of revocations was seen once; rejects after `timeoutSeconds`. */
  ready(timeoutSeconds?: number): Promise<void>;
  /**
   * Verifies a token. Whatever the text, the answer is a value.
   *
   * @returns an error id of docs/reference/errors.md
   */
  verify(token: string): Promise<Result<Access, ErrorId>>;
  /** The same without waiting; undefined when something must be fetched first. */
  verifyNow(token: string): Result<Access, ErrorId> | undefined;
  /** Verifies the token of a request, and what the route asks for. */
  authenticate(request: RequestLike, asked?: Requirements): Promise<Result<Access, Rejection>>;
  status(): VerifierStatus;
  /** Ends all connections. */
  close(): void;
}

export interface VerifierStatus {
  readonly feed: FeedFollower['state'];
  /** Infinite before the log was seen once. */
  readonly stalenessMilliseconds: number;
  readonly isStale: boolean;
  readonly keys: readonly string[];
  readonly revocations: number;
  readonly cachedTokens: number;
}

const FORGET_EVERY = 30;

/**
 * Makes a verifier, and begins to fetch keys and to follow the feed.
 *
 * @throws TypeError for options that are wrong
 */
export function createVerifier(options: VerifierOptions): Verifier {
  const config = configOf(options);
  const parts = partsOf(config);
  const { keys, staleness, feed, revocations, cache, reports } = parts;
  const judge = createJudge(config, parts);

  async function verify(token: string): Promise<Result<Access, ErrorId>> {
    return judge.now(token) ?? judge.later(token);
  }

  return {
    verify,
    verifyNow: (token) => judge.now(token),
    async ready(timeoutSeconds = 30) {
      const until = config.monotonic() + timeoutSeconds * 1000;
      for (;;) {
        await keys.ready().catch(() => {});
        if (keys.current !== undefined && staleness.hasSnapshot) return;
        if (config.monotonic() >= until)
          throw new Error(
            `the verifier has ${keys.current === undefined ? 'no keys' : 'not seen the revocations'} yet`,
          );
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    },
    async authenticate(request, asked = {}) {
      const presented = tokenOf(request, config.cookie);
      const result = presented.ok ? await verify(presented.value) : presented;
      const error = result.ok ? guardError(result.value, asked, Math.floor(config.now() / 1000)) : result.error;
      if (result.ok && error === undefined) return result;
      const refused = error ?? 'token_malformed';
      const about = result.ok ? { token: result.value.claims.jti, subject: result.value.claims.sub } : {};
      const errorId = reports.remember(refused, config.audience.slice(0, LIMITS.nameMax), about);
      return fail(rejectionOf(refused, errorId, config.audience, asked));
    },
    status: () => ({
      feed: feed.state,
      stalenessMilliseconds: staleness.milliseconds(),
      isStale: judge.isStale(),
      keys: keys.current?.kids ?? [],
      revocations: revocations.size,
      cachedTokens: cache.size,
    }),
    close() {
      feed.close();
      keys.close();
      reports.close();
    },
  };
}

/** The token of a request: from the header, else from the cookie where that is allowed. */
function tokenOf(request: RequestLike, cookie: boolean): Result<string, ErrorId> {
  const bearer = parseBearer(request.header('authorization'));
  if (!bearer.ok) return bearer;
  if (bearer.value !== undefined) return ok(bearer.value);
  const token = cookie ? tokenOfCookie(request) : ok(undefined);
  if (!token.ok) return token;
  return token.value === undefined ? fail('access_token_missing') : ok(token.value);
}

type Parts = ReturnType<typeof partsOf>;

/** What a verifier is made of, joined: what the feed says goes to the set, the keys, the caches. */
function partsOf(config: Config) {
  const keys = createKeySource(config);
  const staleness = createStaleness(config.monotonic);
  const revocations = createRevocationSet(config.monotonic);
  const cache = createTokenCache();
  const introspector = createIntrospector(config);
  const unknown: { since: number | undefined } = { since: undefined };
  let beats = 0;
  const feed = followFeed(config, staleness, {
    revoked(event) {
      revocations.add(event);
      if (event.kind === 'key') {
        cache.clear();
        keys.refetch();
      }
      if (revocations.isFull) config.onEvent({ event: 'feed_too_many_revocations' });
    },
    heartbeat() {
      introspector.clear();
      beats += 1;
      if (beats % FORGET_EVERY === 0) revocations.forgetExpired(Math.floor(config.now() / 1000));
    },
    unknownKind() {
      unknown.since ??= config.monotonic();
      config.onEvent({ event: 'feed_unknown_kind' });
    },
  });
  keys.ready().catch(() => {}); // told by onEvent, and tried again by whoever waits
  const reports = createRefusalReports(config);
  return { keys, staleness, revocations, cache, introspector, feed, reports, unknown };
}

/** Decides about tokens by what is known. */
function createJudge(config: Config, { keys, staleness, revocations, cache, introspector, unknown }: Parts) {
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
  function known(token: string): Result<CachedToken, ErrorId> | undefined {
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
      notBefore: Math.max(claims.nbf ?? 0, claims.iat - DURATIONS.issuedInFutureMax + leewaySeconds) - leewaySeconds,
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
    if (token.length > LIMITS.tokenMax) return fail('token_too_large');
    const found = known(token);
    if (found === undefined || (!found.ok && found.error === 'token_key_unknown')) return undefined;
    return found.ok ? whenStale(found.value) : found;
  }

  async function judgeLater(token: string): Promise<Result<Access, ErrorId>> {
    if (keys.current === undefined) await keys.ready().catch(() => {});
    let found = known(token);
    if (found !== undefined && !found.ok && found.error === 'token_key_unknown' && (await keys.lookAgain()))
      found = known(token);
    if (found === undefined) return fail('keys_unavailable');
    if (!found.ok) return found;
    return whenStale(found.value) ?? introspected(token, found.value);
  }

  async function introspected(token: string, { access }: CachedToken): Promise<Result<Access, ErrorId>> {
    const endpoint = keys.introspectionEndpoint;
    const isActive = endpoint === undefined ? undefined : await introspector.isActive(token, endpoint);
    if (isActive === undefined) return fail('verifier_stale');
    return isActive ? ok(access) : fail('token_revoked');
  }

  return { now: judgeNow, later: judgeLater, isStale: () => staleFor() > 0 };
}
