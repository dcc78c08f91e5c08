import { DURATIONS } from '@latchkey/protocol/limits';

/** What to do with a token while it is not known whether it was revoked. */
export type OnStale =
  /** Ask the server about each token; needs credentials. When it does not answer either: 503. */
  | 'introspect'
  /** Refuse with 503. */
  | 'reject'
  /** Accept, marked as stale, for a bounded time after one complete look at the log. */
  | 'accept';

/** How an API verifies tokens. */
export interface VerifierOptions {
  /** The issuer of the tokens, to the letter. */
  readonly issuer: string;
  /** The audience that this API is. */
  readonly audience: string;
  /** The id and secret that `latchkey resource create` gave, for the feed, introspection and reports. */
  readonly credentials?: { readonly id: string; readonly secret: string };
  /** True to read the access cookie of a page on the same host, too. */
  readonly cookie?: boolean;
  /** By default `introspect`, where there are credentials; without them it must be said. */
  readonly onStale?: OnStale;
  /** How old the knowledge of revocations may be, in seconds; 10 by default. */
  readonly maxStalenessSeconds?: number;
  /** For how long `accept` accepts, in seconds; 300 by default. */
  readonly maxAcceptSeconds?: number;
  /** The `typ` of this API's tokens; `JWT` only if the resource was made so. */
  readonly tokenType?: 'at+jwt' | 'JWT';
  /** Leeway for `exp` and `nbf`, in seconds; 30 by default, 60 at most. */
  readonly leewaySeconds?: number;
  /** What error ids of this verifier begin with; by default made up. */
  readonly name?: string;
  /** Hears what goes wrong behind the scenes: the feed, the keys, reports. */
  readonly onEvent?: (event: VerifierEvent) => void;
  readonly fetch?: typeof globalThis.fetch;
  /** The time in milliseconds since 1970. */
  readonly now?: () => number;
  /** A time in milliseconds that never goes back. */
  readonly monotonic?: () => number;
  /** At least 0, below 1; spreads reconnections. */
  readonly random?: () => number;
}

/** Something that happened behind the scenes. It holds no token. */
export interface VerifierEvent {
  readonly event:
    | 'feed_connected'
    | 'feed_lost'
    | 'feed_unknown_kind'
    | 'feed_too_many_revocations'
    | 'keys_fetched'
    | 'keys_unavailable'
    | 'stale_accepted'
    | 'reports_lost';
  readonly reason?: string;
}

/** The options with all that was left out. */
export interface Config extends Required<Omit<VerifierOptions, 'credentials'>> {
  readonly credentials: { readonly id: string; readonly secret: string } | undefined;
  /** The value of an `Authorization` header with the credentials. */
  readonly basic: string | undefined;
}

const LOOPBACK = new Set(['localhost', '127.0.0.1', '[::1]']);

const within = (name: string, value: number, min: number, max: number): number => {
  if (Number.isFinite(value) && value >= min && value <= max) return value;
  throw new TypeError(`createVerifier: ${name} must be a number from ${min} to ${max}`);
};

/**
 * Checks what a verifier is made with. Nothing is guessed: a wrong option is thrown at start, with the mend.
 *
 * @throws TypeError
 * @spec RFC 8725 §3.1, §3.8, §3.9 (JWT-28: issuer and audience are required)
 */
export function configOf(options: VerifierOptions): Config {
  const { issuer, audience, credentials } = options;
  const url = typeof issuer === 'string' ? (URL.parse?.(issuer) ?? parsed(issuer)) : undefined;
  if (url === undefined || url === null) throw new TypeError('createVerifier: issuer must be the URL of the server');
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && LOOPBACK.has(url.hostname)))
    throw new TypeError('createVerifier: issuer must be https; plain http is for loopback only');
  if (typeof audience !== 'string' || audience === '')
    throw new TypeError('createVerifier: audience must be the audience of this API: see latchkey resource list');
  if (credentials !== undefined && (!credentials.id || !credentials.secret))
    throw new TypeError('createVerifier: credentials must be the id and secret of latchkey resource create');
  const onStale = options.onStale ?? (credentials === undefined ? undefined : 'introspect');
  if (onStale === undefined)
    throw new TypeError(
      "createVerifier: without credentials, say what to do when stale: onStale: 'reject' or 'accept'",
    );
  if (onStale === 'introspect' && credentials === undefined)
    throw new TypeError("createVerifier: onStale: 'introspect' needs credentials: see latchkey resource create");
  const random = options.random ?? Math.random;
  return {
    issuer,
    audience,
    credentials,
    basic:
      credentials === undefined
        ? undefined
        : `Basic ${btoa(`${encodeURIComponent(credentials.id)}:${encodeURIComponent(credentials.secret)}`)}`,
    cookie: options.cookie ?? false,
    onStale,
    maxStalenessSeconds: within('maxStalenessSeconds', options.maxStalenessSeconds ?? 10, 5, 3_600),
    maxAcceptSeconds: within('maxAcceptSeconds', options.maxAcceptSeconds ?? 300, 1, 86_400),
    tokenType: options.tokenType ?? 'at+jwt',
    leewaySeconds: within('leewaySeconds', options.leewaySeconds ?? DURATIONS.leewayDefault, 0, DURATIONS.leewayMax),
    name: options.name ?? `v${Math.floor(random() * 36 ** 6).toString(36)}`,
    onEvent: options.onEvent ?? (() => {}),
    fetch: options.fetch ?? ((input, init) => globalThis.fetch(input, init)),
    now: options.now ?? Date.now,
    monotonic: options.monotonic ?? (() => performance.now()),
    random,
  };
}

/** `URL.parse` is younger than Node 20. */
function parsed(text: string): URL | undefined {
  try {
    return new URL(text);
  } catch {
    return undefined;
  }
}
