import type { ErrorId } from '@latchkey/protocol/errors';
import { LIMITS } from '@latchkey/protocol/limits';
import { fail, ok, type Result } from '@latchkey/protocol/result';
import { parseApiKey } from '@latchkey/tokens/formats/api-key';
import type { Access } from './access.ts';
import { createAdmission } from './admission.ts';
import { type Caching, cachingOf } from './caching.ts';
import { type Rejection, rejectionOf } from './challenge.ts';
import { formOf } from './credential.ts';
import { type FeedFollower, type FeedListener, followFeed } from './feed.ts';
import { guardError, type Requirements } from './guards.ts';
import { createIntrospector } from './introspection.ts';
import { createJudge } from './judge.ts';
import { createKeySource, type KeySource } from './key-source.ts';
import { createMeters } from './meters.ts';
import { type Config, configOf, type VerifierOptions } from './options.ts';
import { presentedToken } from './presented-token.ts';
import { aboutOf } from './refusals.ts';
import { createRefusedAnswers } from './refused-answers.ts';
import { createReports } from './reports.ts';
import type { RequestLike } from './request.ts';
import { createRevocationSet } from './revocation-set.ts';
import { createSingleUse } from './single-use.ts';
import { createStaleness, type Staleness } from './staleness.ts';
import { createStatusLists } from './status-list/status-lists.ts';
import { createTokenStatus } from './status-list/token-status.ts';
import { createTokenCache } from './token-cache.ts';

/** Verifies access tokens locally, and refuses those that were revoked. */
export interface Verifier {
  /** Resolves when there are keys and the log of revocations was seen once; rejects after `timeoutSeconds`. */
  ready(timeoutSeconds?: number): Promise<void>;
  /**
   * Verifies a token. Whatever the text, the answer is a value. An API key is used once by it.
   *
   * @param from where the request came from, for API keys that may be used from some networks only
   * @returns an error id of docs/reference/errors.md
   */
  verify(token: string, from?: From): Promise<Result<Access, ErrorId>>;
  /** The same without waiting; undefined when something must be fetched first. */
  verifyNow(token: string, from?: From): Result<Access, ErrorId> | undefined;
  /** Verifies the token of a request, and what the route asks for. */
  authenticate(request: RequestLike, asked?: Requirements): Promise<Result<Access, Rejection>>;
  /** Words a refusal that is the app's own, by an id of docs/reference/errors.md, and remembers it like any other. */
  reject(error: ErrorId, asked?: Requirements): Rejection;
  /**
   * The same, and uses the token up: it is accepted once, among all who verify for this API. A request that is refused
   * for another reason uses nothing up.
   */
  once(request: RequestLike, asked?: Requirements): Promise<Result<Access, Rejection>>;
  /** What a protected answer tells caches, unless the app has something else to say. */
  readonly caching: Caching;
  status(): VerifierStatus;
  /** Ends all connections, and gives back in the background what uses of API keys are left. */
  close(): void;
}

/** Where a request came from. */
export type From = Pick<RequestLike, 'address'>;

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
  const { keys, staleness, feed, revocations, cache, meters, reports } = parts;
  const judge = createJudge(config, parts);
  const useUp = createSingleUse(config);
  const statuses = config.revocation === 'status_list' ? statusesOf(config, keys) : undefined;

  function judgedNow(token: string): Result<Access, ErrorId> | undefined {
    const result = judge.now(token);
    return result?.ok === true && statuses !== undefined ? statuses.status.now(result.value) : result;
  }

  async function judged(token: string): Promise<Result<Access, ErrorId>> {
    const result = judge.now(token) ?? (await judge.later(token));
    return result.ok && statuses !== undefined ? statuses.status.later(result.value) : result;
  }

  const admission = createAdmission(meters, reports);

  /** What keeps out a good credential before any use of it is taken. */
  function checked(
    verified: Result<Access, ErrorId>,
    address: string | undefined,
    asked: Requirements,
  ): Result<Access, ErrorId> {
    if (!verified.ok) return verified;
    const error =
      admission.networkError(verified.value, address) ??
      guardError(verified.value, asked, Math.floor(config.now() / 1000));
    return error === undefined ? verified : fail(error);
  }

  async function verify(token: string, address: string | undefined, asked: Requirements) {
    const verified = await judged(token);
    const allowed = checked(verified, address, asked);
    // of what may be used once nothing is counted, and what is counted may not be used once
    const usable = allowed.ok && asked.once === true ? await usedUp(allowed.value) : allowed;
    const result = usable.ok ? (admission.now(usable.value) ?? (await admission.later(usable.value))) : usable;
    if (!result.ok) countRefusal(token);
    return { result, access: verified.ok ? verified.value : undefined };
  }

  async function usedUp(access: Access): Promise<Result<Access, ErrorId>> {
    const error = await useUp(access);
    return error === undefined ? ok(access) : fail(error);
  }

  /** Refusals of keys that are known here belong to their use. */
  function countRefusal(token: string): void {
    const key = typeof token === 'string' && formOf(token) === 'api_key' ? parseApiKey(token) : undefined;
    if (key?.ok !== true) return;
    meters.refused(key.value.id);
    if (meters.hasNews) reports.used();
  }

  async function authenticate(request: RequestLike, asked: Requirements = {}): Promise<Result<Access, Rejection>> {
    const presented = presentedToken(request, config.cookie, config.apiKeys?.header);
    const { result, access } = presented.ok
      ? await verify(presented.value, request.address, asked)
      : { result: presented, access: undefined };
    if (result.ok) return result;
    const about = aboutOf(result.error, access, presented.ok ? presented.value : '');
    const errorId = reports.remember(result.error, config.audience.slice(0, LIMITS.nameMax), about);
    const limits = access?.apiKey === undefined ? undefined : meters.limits(access.apiKey.id);
    return fail(rejectionOf(result.error, errorId, config.audience, asked, limits));
  }

  return {
    verify: async (token, from = {}) => (await verify(token, from.address, {})).result,
    verifyNow(token, from = {}) {
      const verified = judgedNow(token);
      if (verified === undefined) return undefined;
      if (verified.ok && verified.value.apiKey === undefined) return verified; // of a token nothing is counted
      const allowed = checked(verified, from.address, {});
      const result = allowed.ok ? admission.now(allowed.value) : allowed;
      if (result?.ok === false) countRefusal(token);
      return result;
    },
    async ready(timeoutSeconds = 30) {
      const until = config.monotonic() + timeoutSeconds * 1000;
      for (;;) {
        if (feed.state === 'closed') throw new Error('the verifier is closed');
        await keys.ready().catch(() => {});
        if (keys.current !== undefined && staleness.hasSnapshot) return;
        if (config.monotonic() >= until)
          throw new Error(
            `the verifier has ${keys.current === undefined ? 'no keys' : 'not seen the revocations'} yet`,
          );
        await new Promise<void>((resolve) => void config.timers.after(20, resolve));
      }
    },
    reject: (error, asked = {}) =>
      rejectionOf(error, reports.remember(error, config.audience.slice(0, LIMITS.nameMax), {}), config.audience, asked),
    authenticate,
    once: (request, asked) => authenticate(request, { ...asked, once: true }),
    caching: cachingOf(config.cookie, config.apiKeys?.header),
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
      statuses?.close();
      reports.close();
    },
  };
}

/** Where no feed is followed, nothing that it tells can be old. */
const NEVER_STALE: Staleness = { requested: () => () => {}, milliseconds: () => 0, hasSnapshot: true };

function noFeed(): FeedFollower {
  let state: FeedFollower['state'] = 'off';
  return {
    get state() {
      return state;
    },
    close() {
      state = 'closed';
    },
  };
}

/** The status lists of an issuer, signed by itself or by whom the API was told to believe. */
function statusesOf(config: Config, own: KeySource) {
  const { statusIssuer } = config;
  const keys =
    statusIssuer === undefined
      ? own
      : createKeySource({ ...config, issuer: statusIssuer, jwksUri: undefined }, () => {});
  const lists = createStatusLists(config, keys);
  return {
    status: createTokenStatus(config, lists),
    close() {
      keys.close();
      lists.close();
    },
  };
}

/** What a verifier is made of, joined: what the feed says goes to the set, the keys, the caches. */
function partsOf(config: Config) {
  const isFollowing = config.revocation === 'feed';
  const staleness = isFollowing ? createStaleness(config.monotonic, config.maxStalenessSeconds) : NEVER_STALE;
  const revocations = createRevocationSet(config.monotonic);
  const cache = createTokenCache(config.cachedTokensMax);
  const refusedAnswers = createRefusedAnswers(config.monotonic);
  const keys = createKeySource(config, () => cache.clear());
  const introspector = createIntrospector(config);
  const unknown: { since: number | undefined } = { since: undefined };
  let beats = 0;
  const listener: FeedListener = {
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
      keys.refetchIfOld(); // where every token is known already, nobody else looks
      beats += 1;
      if (beats % FORGET_EVERY === 0) revocations.forgetExpired(Math.floor(config.now() / 1000));
    },
    unknownKind() {
      unknown.since ??= config.monotonic();
      config.onEvent({ event: 'feed_unknown_kind' });
    },
  };
  const feed = isFollowing ? followFeed(config, staleness, listener) : noFeed();
  keys.ready().catch(() => {}); // told by onEvent, and tried again by whoever waits
  const meters = createMeters({ ...config, isStrict: config.apiKeys?.strict === true });
  const reports = createReports(config, meters);
  return { meters, keys, staleness, revocations, cache, introspector, refusedAnswers, feed, reports, unknown };
}
