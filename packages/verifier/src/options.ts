import { DURATIONS, LIMITS } from '@latchkey/protocol/limits';
import type { Timers } from '@latchkey/protocol/timers';
import { type DecryptionKey, importDecryptionKey } from '@latchkey/tokens/keys/encryption-key';
import { importSharedSecret, parseSharedSecret, type SharedSecret } from '@latchkey/tokens/keys/shared-secret';
import type { ReplayPort } from './replay-port.ts';
import { systemTimers } from './system-timers.ts';

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
  /** Accepts API keys, too; needs credentials. By default none are accepted. */
  readonly apiKeys?: ApiKeyOptions;
  /** By default `introspect`, where there are credentials; without them it must be said. */
  readonly onStale?: OnStale;
  /** How old the knowledge of revocations may be, in seconds; 10 by default. */
  readonly maxStalenessSeconds?: number;
  /** For how long `accept` accepts, in seconds; 300 by default. */
  readonly maxAcceptSeconds?: number;
  /** The `typ` of this API's tokens; `JWT` only if the resource was made so. */
  readonly tokenType?: 'at+jwt' | 'JWT';
  /**
   * The private keys of this API, as JWK with `kid` and `alg`, where its tokens are encrypted: see
   * docs/guides/encrypted-tokens.md. Several while one takes the place of another.
   */
  readonly decryptionKeys?: readonly Readonly<Record<string, unknown>>[];
  /** True to refuse tokens that are not encrypted; by default both are taken. */
  readonly requireEncryption?: boolean;
  /**
   * The secrets that this API shares with the server, where its tokens are signed with HS256; several while one takes
   * the place of another.
   */
  readonly sharedSecrets?: readonly { readonly kid: string; readonly secret: string }[];
  /** Leeway for `exp` and `nbf`, in seconds; 30 by default, 60 at most. */
  readonly leewaySeconds?: number;
  /**
   * Who remembers uses of tokens that are used once: `server` for all verifiers of the resource, the default where there
   * are credentials; `memory` for an API that runs as one process; or a store of one's own.
   */
  readonly replay?: 'server' | 'memory' | ReplayPort;
  /**
   * How revocations are learnt: from the feed of a Latchkey server, the default, or from the Token Status List that each
   * token names, whoever its issuer is. Then there are no credentials, and nothing of the feed applies.
   */
  readonly revocation?: 'feed' | 'status_list';
  /** Who signs the status lists, if it is not the issuer of the tokens. */
  readonly statusIssuer?: string;
  /** Origins beside the issuer's from which status lists may be fetched: `https://status.example`. */
  readonly statusListOrigins?: readonly string[];
  /** True to refuse tokens that name no status list. */
  readonly requireStatus?: boolean;
  /** When a status list cannot be had: `unavailable` answers 503, the default; `refuse` takes the token for a bad one. */
  readonly onStatusUnavailable?: 'unavailable' | 'refuse';
  /** The key set of an issuer that publishes no metadata. */
  readonly jwksUri?: string;
  /** What error ids of this verifier begin with: letters, digits and . _ - ; by default made up. */
  readonly name?: string;
  /** How many tokens are kept with what is known of them, of all kinds together; 10,000 by default. */
  readonly cachedTokensMax?: number;
  /** Hears what goes wrong behind the scenes: the feed, the keys, reports. */
  readonly onEvent?: (event: VerifierEvent) => void;
  readonly fetch?: typeof globalThis.fetch;
  /** The time in milliseconds since 1970. */
  readonly now?: () => number;
  /** A time in milliseconds that never goes back. */
  readonly monotonic?: () => number;
  /** At least 0, below 1; spreads reconnections. */
  readonly random?: () => number;
  readonly timers?: Timers;
}

/** How an API takes API keys. */
export interface ApiKeyOptions {
  /** A header in which they may come, beside `Authorization: Bearer`: `x-api-key`. */
  readonly header?: string;
  /** `['live']` by default. */
  readonly environments?: readonly ('live' | 'test')[];
  /** True to ask the server at every request; then nothing of keys is kept, and each question is a use. */
  readonly strict?: boolean;
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
    | 'replay_unavailable'
    | 'status_list_unavailable'
    | 'reports_lost'
    | 'usage_lost';
  readonly reason?: string;
}

/** The options with all that was left out. */
export interface Config
  extends Required<
    Omit<
      VerifierOptions,
      'credentials' | 'decryptionKeys' | 'sharedSecrets' | 'replay' | 'apiKeys' | 'statusIssuer' | 'jwksUri'
    >
  > {
  readonly statusIssuer: string | undefined;
  readonly jwksUri: string | undefined;
  readonly sharedSecrets: readonly SharedSecret[];
  readonly decryptionKeys: readonly DecryptionKey[];
  readonly credentials: { readonly id: string; readonly secret: string } | undefined;
  /** Undefined where nobody remembers uses: then no token can be used once. */
  readonly replay: VerifierOptions['replay'];
  /** The value of an `Authorization` header with the credentials. */
  readonly basic: string | undefined;
  readonly apiKeys: (Required<Omit<ApiKeyOptions, 'header'>> & { readonly header: string | undefined }) | undefined;
  /** What this process is called in reports and questions: no two have the same, whatever their name. */
  readonly instance: string;
}

const LOOPBACK = new Set(['localhost', '127.0.0.1', '[::1]']);
const POLICIES: ReadonlySet<unknown> = new Set<OnStale>(['introspect', 'reject', 'accept']);
const TOKEN_TYPES: ReadonlySet<unknown> = new Set<Config['tokenType']>(['at+jwt', 'JWT']);
/** What a server takes as the beginning of an error id. */
const NAME = /^[A-Za-z0-9._-]{1,60}$/;

function check(holds: boolean, mistake: string): void {
  if (!holds) throw new TypeError(`createVerifier: ${mistake}`);
}

const within = (name: string, value: number, min: number, max: number): number => {
  check(Number.isFinite(value) && value >= min && value <= max, `${name} must be a number from ${min} to ${max}`);
  return value;
};

/**
 * Checks what a verifier is made with. Nothing is guessed: a wrong option is thrown at start, with the mend.
 *
 * @throws TypeError
 * @spec RFC 8725 §3.1, §3.8, §3.9 (JWT-28: issuer and audience are required)
 */
export function configOf(options: VerifierOptions): Config {
  const { issuer, audience, credentials, cookie = false, tokenType = 'at+jwt', random = Math.random } = options;
  checkIssuer(issuer);
  check(
    typeof audience === 'string' && audience !== '',
    'audience must be the audience of this API: see latchkey resource list',
  );
  const isWhole = credentials === undefined || (Boolean(credentials.id) && Boolean(credentials.secret));
  check(isWhole, 'credentials must be the id and secret of latchkey resource create');
  check(TOKEN_TYPES.has(tokenType), "tokenType must be 'at+jwt' or 'JWT'");
  check(typeof cookie === 'boolean', 'cookie must be true or false');
  const { name = `v${random36(random)}` } = options;
  check(NAME.test(name), 'name must be 1 to 60 letters, digits and . _ -');
  return {
    issuer,
    audience,
    credentials,
    basic: credentials && basicOf(credentials),
    cookie,
    replay: replayOf(options),
    apiKeys: apiKeysOf(options),
    ...statusOf(options),
    onStale: policyOf(options),
    maxStalenessSeconds: within('maxStalenessSeconds', options.maxStalenessSeconds ?? 10, 5, 3_600),
    maxAcceptSeconds: within('maxAcceptSeconds', options.maxAcceptSeconds ?? 300, 1, 86_400),
    tokenType,
    ...encryptionOf(options),
    sharedSecrets: sharedSecretsOf(options),
    leewaySeconds: within('leewaySeconds', options.leewaySeconds ?? DURATIONS.leewayDefault, 0, DURATIONS.leewayMax),
    name,
    instance: `${name}-${random36(random)}${random36(random)}`,
    cachedTokensMax: within(
      'cachedTokensMax',
      options.cachedTokensMax ?? LIMITS.tokenCacheMax,
      1,
      LIMITS.tokenCacheMost,
    ),
    onEvent: options.onEvent ?? (() => {}),
    fetch: options.fetch ?? ((input, init) => globalThis.fetch(input, init)),
    now: options.now ?? Date.now,
    monotonic: options.monotonic ?? (() => performance.now()),
    random,
    timers: options.timers ?? systemTimers,
  };
}

/**
 * The keys to decrypt with, each under a `kid` of its own. A key that is for nothing here must not wait for the first
 * token to say so.
 *
 * @spec RFC 8725 §3.5 (JWT-11)
 */
function encryptionOf({ decryptionKeys = [], requireEncryption = false }: VerifierOptions) {
  check(Array.isArray(decryptionKeys), 'decryptionKeys must be a list of private keys as JWK');
  check(typeof requireEncryption === 'boolean', 'requireEncryption must be true or false');
  const keys = decryptionKeys.map(importDecryptionKey).filter((key) => key !== undefined);
  check(
    keys.length === decryptionKeys.length,
    'decryptionKeys must be private keys as JWK, with kid and alg: see latchkey resource encryption-key',
  );
  check(new Set(keys.map(({ kid }) => kid)).size === keys.length, 'two decryptionKeys have the same kid');
  check(keys.length <= LIMITS.keySetKeysMax, `decryptionKeys must be ${LIMITS.keySetKeysMax} at most`);
  check(!requireEncryption || keys.length > 0, 'requireEncryption needs decryptionKeys');
  return { decryptionKeys: keys, requireEncryption };
}

const random36 = (random: () => number): string => Math.floor(random() * 36 ** 6).toString(36);

const ENVIRONMENTS: ReadonlySet<unknown> = new Set(['live', 'test']);
/** The name of a header field, and none that carries another credential. @spec RFC 9110 §5.1 */
const HEADER = /^[a-z0-9!#$%&'*+.^_`|~-]{1,64}$/;
const OTHER_CREDENTIALS = new Set(['authorization', 'cookie', 'proxy-authorization']);

/** Keys are taken only where that was said, and only of the environments that were said. */
function apiKeysOf({ apiKeys, credentials }: VerifierOptions): Config['apiKeys'] {
  if (apiKeys === undefined) return undefined;
  check(typeof apiKeys === 'object' && apiKeys !== null, 'apiKeys must be an object: { header, environments, strict }');
  check(credentials !== undefined, 'apiKeys needs credentials: see latchkey resource create');
  const { environments = ['live'], strict = false } = apiKeys;
  check(typeof strict === 'boolean', 'apiKeys.strict must be true or false');
  const isList = Array.isArray(environments) && environments.length > 0;
  check(
    isList && environments.every((one) => ENVIRONMENTS.has(one)),
    "apiKeys.environments must be a list of 'live' and 'test'",
  );
  const header = apiKeys.header?.toLowerCase();
  const isHeader = header === undefined || (HEADER.test(header) && !OTHER_CREDENTIALS.has(header));
  check(isHeader, 'apiKeys.header must be the name of a header of its own, like x-api-key');
  return { header, environments: [...environments], strict };
}

/**
 * The secrets, each under its `kid`. Whatever is no such secret stops here, and what it was is not told: a short one, a
 * key in PEM, a JWK.
 *
 * @spec RFC 7518 §3.2 (JWT-11)
 */
function sharedSecretsOf({ sharedSecrets = [] }: VerifierOptions): readonly SharedSecret[] {
  check(Array.isArray(sharedSecrets), 'sharedSecrets must be a list of { kid, secret }');
  const keys = sharedSecrets.map((one: unknown) => {
    const { kid, secret } = (typeof one === 'object' && one !== null ? one : {}) as Readonly<Record<string, unknown>>;
    const bytes = parseSharedSecret(secret);
    const isNamed = typeof kid === 'string' && kid.length > 0 && kid.length <= LIMITS.kidMax;
    return isNamed && bytes !== undefined ? importSharedSecret(kid, bytes) : undefined;
  });
  const known = keys.filter((key) => key !== undefined);
  check(
    known.length === keys.length,
    'sharedSecrets must be { kid, secret }, the secret 32 bytes at least in base64url: see latchkey resource rotate-shared-secret',
  );
  check(new Set(known.map(({ kid }) => kid)).size === known.length, 'two sharedSecrets have the same kid');
  check(known.length <= LIMITS.keySetKeysMax, `sharedSecrets must be ${LIMITS.keySetKeysMax} at most`);
  return known;
}

function checkIssuer(issuer: unknown, name = 'issuer'): void {
  check(typeof issuer === 'string' && URL.canParse(issuer), `${name} must be the URL of the server`);
  const { protocol, hostname } = new URL(String(issuer));
  const isSafe = protocol === 'https:' || (protocol === 'http:' && LOOPBACK.has(hostname));
  check(isSafe, `${name} must be https; plain http is for loopback only`);
}

/** The policy for when nobody knows. A word that is not one of them must not come to mean the last of them. */
function policyOf({ onStale, credentials, revocation }: VerifierOptions): OnStale {
  if (revocation === 'status_list') return 'reject'; // there is no feed that could be stale
  const policy = onStale ?? (credentials === undefined ? undefined : 'introspect');
  if (policy === undefined)
    throw new TypeError(
      "createVerifier: without credentials, say what to do when stale: onStale: 'reject' or 'accept'",
    );
  check(POLICIES.has(policy), "onStale must be 'introspect', 'reject' or 'accept'");
  const canAsk = policy !== 'introspect' || credentials !== undefined;
  check(canAsk, "onStale: 'introspect' needs credentials: see latchkey resource create");
  return policy;
}

/** What concerns verifying without a feed. */
function statusOf(options: VerifierOptions) {
  const { revocation = 'feed', credentials, statusIssuer, statusListOrigins = [], jwksUri } = options;
  const { requireStatus = false, onStatusUnavailable = 'unavailable' } = options;
  check(revocation === 'feed' || revocation === 'status_list', "revocation must be 'feed' or 'status_list'");
  const hasNoFeed = revocation === 'feed' || credentials === undefined;
  check(hasNoFeed, "credentials are for the feed; with revocation: 'status_list' there are none");
  if (statusIssuer !== undefined) checkIssuer(statusIssuer, 'statusIssuer');
  if (jwksUri !== undefined) checkIssuer(jwksUri, 'jwksUri');
  const areOrigins = statusListOrigins.every((one) => URL.canParse(one) && new URL(one).origin === one);
  check(areOrigins, "statusListOrigins must be origins: 'https://status.example'");
  check(typeof requireStatus === 'boolean', 'requireStatus must be true or false');
  const isPolicy = onStatusUnavailable === 'unavailable' || onStatusUnavailable === 'refuse';
  check(isPolicy, "onStatusUnavailable must be 'unavailable' or 'refuse'");
  return { revocation, statusIssuer, statusListOrigins, requireStatus, onStatusUnavailable, jwksUri };
}

function replayOf({ replay, credentials }: VerifierOptions): VerifierOptions['replay'] {
  const chosen = replay ?? (credentials === undefined ? undefined : 'server');
  const isPort = typeof chosen === 'object' && typeof chosen.consume === 'function';
  const isKnown = chosen === undefined || chosen === 'server' || chosen === 'memory' || isPort;
  check(isKnown, "replay must be 'server', 'memory' or an object with consume");
  const canAsk = chosen !== 'server' || credentials !== undefined;
  check(canAsk, "replay: 'server' needs credentials: see latchkey resource create");
  return chosen;
}

/** @spec RFC 6749 §2.3.1 */
const basicOf = ({ id, secret }: { readonly id: string; readonly secret: string }): string =>
  `Basic ${btoa(`${encodeURIComponent(id)}:${encodeURIComponent(secret)}`)}`;
