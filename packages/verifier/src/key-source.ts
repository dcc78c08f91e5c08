import { DURATIONS, LIMITS } from '@latchkey/protocol/limits';
import type { KeySet } from '@latchkey/tokens/keys/key-set';
import { importNodeKeySet } from '@latchkey/tokens/keys/node-crypto';
import { withDeadline } from './deadline.ts';
import { jsonAnswer } from './json-answer.ts';
import type { Config } from './options.ts';

/** The keys of the issuer. They are fetched once and kept; what is unknown is asked for now and then, never in a storm. */
export interface KeySource {
  /** What is known now. */
  readonly current: KeySet | undefined;
  /** Where to introspect, as the issuer's metadata says. */
  readonly introspectionEndpoint: string | undefined;
  /** Fetches the first keys; waits for a fetch that is under way. Rejects when there are none, or were none just now. */
  ready(): Promise<void>;
  /** For a `kid` that is not known: fetches, unless that was just done. Says whether there are new keys. */
  lookAgain(): Promise<boolean>;
  /** Fetches at once: a key was revoked. */
  refetch(): void;
  /** Fetches in the background what is older than the server lets it be, as every look at `current` does. */
  refetchIfOld(): void;
  close(): void;
}

/** A stranger who invents `kid`s makes us fetch so often, and no more. */
const COOL_DOWN = 30_000;
/** Without any keys, whoever waits asks so often. */
const RETRY_AFTER = 1_000;
const TIMEOUT = 5_000;

type Part = Pick<Config, 'issuer' | 'fetch' | 'monotonic' | 'timers' | 'onEvent'> &
  Partial<Pick<Config, 'jwksUri' | 'revocation'>>;

/** @param onGone called when a new key set lacks a key that the last one had: nothing under it is to be believed */
export function createKeySource(config: Part, onGone: () => void): KeySource {
  const { issuer, monotonic } = config;
  const closing = new AbortController();
  let current: KeySet | undefined;
  let introspectionEndpoint: string | undefined;
  let fetchedAt: number | undefined;
  let triedAt: number | undefined;
  let fetching: Promise<void> | undefined;

  function fetchKeys(): Promise<void> {
    triedAt = monotonic();
    fetching ??= fetchOnce().finally(() => {
      fetching = undefined;
    });
    return fetching;
  }

  async function fetchOnce(): Promise<void> {
    const began = monotonic();
    try {
      const found = await endpoints();
      const keys = importNodeKeySet(await getJson(found.jwksUri));
      if (keys === undefined || keys.kids.length === 0) throw new Error('the key set cannot be used');
      if (current?.kids.some((kid) => !keys.kids.includes(kid))) onGone();
      current = keys;
      introspectionEndpoint = found.introspection;
      fetchedAt = began;
      config.onEvent({ event: 'keys_fetched' });
    } catch (error) {
      config.onEvent({ event: 'keys_unavailable', reason: error instanceof Error ? error.message : String(error) });
      throw error;
    }
  }

  /** Where the keys are: as was said, as the metadata say, or where a foreign issuer knows OpenID Connect only, as those. */
  async function endpoints() {
    if (config.jwksUri !== undefined) return { jwksUri: config.jwksUri, introspection: undefined };
    if (config.revocation !== 'status_list') return endpointsOf(await getJson(metadataUrl(issuer)), issuer);
    const metadata = await getJson(metadataUrl(issuer)).catch(() => getJson(openidUrl(issuer)));
    return endpointsOf(metadata, issuer);
  }

  const getJson = (url: string): Promise<unknown> =>
    withDeadline(config.timers, TIMEOUT, (signal) => get(url, signal), closing.signal);

  async function get(url: string, signal: AbortSignal): Promise<unknown> {
    const response = await config.fetch(url, { headers: { accept: 'application/json' }, redirect: 'error', signal });
    if (response.ok) return jsonAnswer(response, LIMITS.keySetBytesMax);
    await response.body?.cancel();
    throw new Error(`${url} answered ${response.status}`);
  }

  const age = () => (fetchedAt === undefined ? Number.POSITIVE_INFINITY : monotonic() - fetchedAt);
  const justTried = (within = COOL_DOWN) => triedAt !== undefined && monotonic() - triedAt < within;
  const inBackground = () => void fetchKeys().catch(() => {}); // told by onEvent

  function refetchIfOld(): void {
    if (current !== undefined && age() > DURATIONS.keySetMaxAge * 1000 && !justTried()) inBackground();
  }

  return {
    get current() {
      refetchIfOld();
      return current;
    },
    get introspectionEndpoint() {
      return introspectionEndpoint;
    },
    async ready() {
      if (current !== undefined) return;
      if (fetching === undefined && justTried(RETRY_AFTER)) throw new Error('the keys could not be fetched just now');
      await fetchKeys();
    },
    async lookAgain() {
      if (fetching === undefined && justTried()) return false;
      const before = current;
      await fetchKeys().catch(() => {});
      return current !== before;
    },
    refetch: inBackground,
    refetchIfOld,
    close: () => closing.abort(),
  };
}

/** @spec RFC 8414 §3.1 (the issuer's path stands behind the well-known name) */
export function metadataUrl(issuer: string): string {
  const url = new URL(issuer);
  const path = url.pathname.replace(/\/+$/, '');
  return `${url.origin}/.well-known/oauth-authorization-server${path}`;
}

/** @spec OIDC Discovery §4.1 (the issuer's path stands before the well-known name) */
const openidUrl = (issuer: string): string => `${issuer.replace(/\/+$/, '')}/.well-known/openid-configuration`;

/** The document must be the issuer's own: its `issuer` is compared to the letter. @spec RFC 8414 §3.3 (META-02) */
function endpointsOf(metadata: unknown, issuer: string): { jwksUri: string; introspection: string | undefined } {
  const document = (typeof metadata === 'object' && metadata !== null ? metadata : {}) as Readonly<
    Record<string, unknown>
  >;
  if (document.issuer !== issuer) throw new Error('the metadata are of another issuer');
  const jwksUri = document.jwks_uri;
  const introspection = document.introspection_endpoint;
  if (typeof jwksUri !== 'string' || !isAsSafe(jwksUri, issuer)) throw new Error('the metadata name no key set');
  const isUsable = typeof introspection === 'string' && isAsSafe(introspection, issuer);
  return { jwksUri, introspection: isUsable ? introspection : undefined };
}

/** No step down from https. */
const isAsSafe = (url: string, issuer: string): boolean =>
  url.startsWith('https://') || new URL(issuer).protocol === 'http:';
