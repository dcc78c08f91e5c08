import { DURATIONS, LIMITS } from '@latchkey/protocol/limits';
import { z } from 'zod';
import { ACR_LEVELS, DEFAULT_ACR_LEVELS } from './acr-levels.ts';

/**
 * Every setting of the server, in one table. The type of the configuration, its reader, `latchkey config check`, and
 * docs/reference/settings.md derive from these rows. A setting is read from its flag, its environment variable,
 * `latchkey.config.json` and its default, in this order.
 */
interface Setting<T> {
  readonly env: string;
  readonly schema: z.ZodType<T>;
  /** Undefined where there is no default and the setting may be absent or is required, as the schema says. */
  readonly fallback: T | undefined;
  readonly doc: string;
}

const setting = <T>(env: string, schema: z.ZodType<T>, fallback: T | undefined, doc: string): Setting<T> => ({
  env,
  schema,
  fallback,
  doc,
});

const whole = (min: number, max: number) => z.coerce.number().int().min(min).max(max);
const list = z.union([
  z.array(z.string()),
  z.string().transform((text) =>
    text
      .split(',')
      .map((part) => part.trim())
      .filter((part) => part !== ''),
  ),
]);

/** Scheme, host and port as a URL parser would write them, and nothing more. */
function isWebOrigin(text: string): boolean {
  const url = URL.parse(text);
  return url !== null && url.origin === text && /^https?:$/.test(url.protocol);
}
const origins = list.pipe(
  z
    .array(z.string().refine(isWebOrigin, 'An origin is scheme, host and port, such as http://127.0.0.1:3000.'))
    .max(LIMITS.fetchAllowMax),
);

/** A path, or a web address that holds no secret. */
function isPlainHook(text: string): boolean {
  if (!/^https?:/i.test(text)) return true;
  const url = URL.parse(text);
  return url !== null && `${url.username}${url.password}${url.hash}` === '';
}

/** Off, or where to ask. */
const breachLookup = z.string().transform((text, context) => {
  if (text === 'off') return text;
  const url = URL.parse(text === 'on' ? HAVE_I_BEEN_PWNED : text);
  if (url !== null && /^https?:$/.test(url.protocol) && `${url.username}${url.password}${url.search}${url.hash}` === '')
    return url.href.replace(/\/*$/, '/');
  context.addIssue('It is neither on, off nor a web address without user, query and fragment.');
  return z.NEVER;
});

const HAVE_I_BEEN_PWNED = 'https://api.pwnedpasswords.com/range/';

const DAY = 86_400;

export const SETTINGS = {
  mode: setting(
    'LATCHKEY_MODE',
    z.enum(['production', 'development']),
    'production',
    'Development mode is for one machine: loopback only, plain http, a demo account, an open feed.',
  ),
  issuer: setting(
    'LATCHKEY_ISSUER',
    z.url().optional(),
    undefined,
    'The public URL of this server, the `iss` of every token; it may have a path. Required in production.',
  ),
  host: setting('LATCHKEY_HOST', z.string().min(1), '127.0.0.1', 'The address to listen on.'),
  port: setting('LATCHKEY_PORT', whole(0, 65_535), 8400, 'The port to listen on; 0 takes any that is free.'),
  data: setting('LATCHKEY_DATA', z.string().min(1), './data', 'The folder of the database.'),
  kekFile: setting(
    'LATCHKEY_KEK_FILE',
    z.string().min(1),
    './.latchkey/kek',
    'The file with the key-encryption key, outside the data folder and readable by its owner only.',
  ),
  tlsCert: setting(
    'LATCHKEY_TLS_CERT',
    z.string().min(1).optional(),
    undefined,
    'A file with the certificate of this server and those it was issued under, in PEM: it speaks https then. Read again when it changes.',
  ),
  tlsKey: setting(
    'LATCHKEY_TLS_KEY',
    z.string().min(1).optional(),
    undefined,
    'The file with the private key to the certificate, in PEM, readable by its owner only.',
  ),
  trustedProxies: setting(
    'LATCHKEY_TRUSTED_PROXIES',
    list,
    [],
    'Addresses of the proxies whose X-Forwarded-For is believed.',
  ),
  smtpUrl: setting(
    'LATCHKEY_SMTP_URL',
    z
      .url({ protocol: /^smtps?$/ })
      .refine((text) => URL.parse(text)?.password === '', 'The password does not belong in the URL')
      .optional(),
    undefined,
    'The server that sends our mail: smtp://user@host:587 (encrypted by STARTTLS) or smtps://user@host:465. Without one there is no mail, but in development mode, which shows it at /dev/mail.',
  ),
  smtpPasswordFile: setting(
    'LATCHKEY_SMTP_PASSWORD_FILE',
    z.string().min(1).optional(),
    undefined,
    'The file with the password for that server, readable by its owner only.',
  ),
  mailFrom: setting(
    'LATCHKEY_MAIL_FROM',
    z.email().max(LIMITS.identifierMax).optional(),
    undefined,
    'The address that our mail comes from; its name is that of the pages.',
  ),
  registration: setting(
    'LATCHKEY_REGISTRATION',
    z.enum(['open', 'closed']),
    'closed',
    'Whether people may create accounts of their own, once they have shown that an address is theirs. It needs mail.',
  ),
  magicLink: setting(
    'LATCHKEY_MAGIC_LINK',
    z.enum(['on', 'off']),
    'off',
    'Whether people may sign in by a link that is sent to their address. It needs mail.',
  ),
  logLevel: setting(
    'LATCHKEY_LOG_LEVEL',
    z.enum(['silent', 'error', 'warn', 'info']),
    'info',
    'How much the log says.',
  ),
  metricsPort: setting(
    'LATCHKEY_METRICS_PORT',
    whole(0, 65_535).optional(),
    undefined,
    'A port of its own for /metrics, on the same address.',
  ),
  metricsTokenFile: setting(
    'LATCHKEY_METRICS_TOKEN_FILE',
    z.string().optional(),
    undefined,
    'A file with the token that /metrics asks for on the main port. With neither this nor a port, there are no metrics.',
  ),
  accessTokenSeconds: setting(
    'LATCHKEY_ACCESS_TOKEN_SECONDS',
    whole(DURATIONS.accessTokenMin, DURATIONS.accessTokenMax),
    DURATIONS.accessTokenDefault,
    'How long an access token lives, where its resource says nothing else.',
  ),
  statusListSeconds: setting(
    'LATCHKEY_STATUS_LIST_SECONDS',
    whole(10, 60),
    30,
    'How long it may take until a revocation shows in the status list of a token.',
  ),
  bodyIdleSeconds: setting(
    'LATCHKEY_BODY_IDLE_SECONDS',
    whole(60, 365 * DAY),
    14 * DAY,
    'How long a refresh token that was delivered in a body may lie unused.',
  ),
  bodyAbsoluteSeconds: setting(
    'LATCHKEY_BODY_ABSOLUTE_SECONDS',
    whole(60, 365 * DAY),
    90 * DAY,
    'How long a login that delivered in a body lives, however often it is refreshed.',
  ),
  cookieIdleSeconds: setting(
    'LATCHKEY_COOKIE_IDLE_SECONDS',
    whole(60, 365 * DAY),
    DAY,
    'How long a refresh cookie may lie unused.',
  ),
  cookieAbsoluteSeconds: setting(
    'LATCHKEY_COOKIE_ABSOLUTE_SECONDS',
    whole(60, 365 * DAY),
    30 * DAY,
    'How long a login that delivered cookies lives, however often it is refreshed.',
  ),
  pagesName: setting(
    'LATCHKEY_PAGES_NAME',
    z.string().min(1).max(LIMITS.pagesNameMax),
    'Latchkey',
    'The name on top of the sign-in pages.',
  ),
  pagesAccent: setting(
    'LATCHKEY_PAGES_ACCENT',
    z
      .string()
      .regex(/^#[0-9a-fA-F]{6}$/)
      .optional(),
    undefined,
    'The colour of buttons and links on the sign-in pages, as #rrggbb.',
  ),
  pagesLogo: setting(
    'LATCHKEY_PAGES_LOGO',
    z.string().min(1).optional(),
    undefined,
    'A file with a logo for the sign-in pages, SVG or PNG.',
  ),
  pagesTexts: setting(
    'LATCHKEY_PAGES_TEXTS',
    z.string().min(1).optional(),
    undefined,
    'A JSON file with texts of your own for the sign-in pages: {"en": {"signin.title": "Welcome"}}.',
  ),
  sessionIdleSeconds: setting(
    'LATCHKEY_SESSION_IDLE_SECONDS',
    whole(60, 365 * DAY),
    DAY,
    'How long a browser that signed in on the pages may stay away before it must sign in again.',
  ),
  sessionAbsoluteSeconds: setting(
    'LATCHKEY_SESSION_ABSOLUTE_SECONDS',
    whole(60, 365 * DAY),
    30 * DAY,
    'How long a sign-in on the pages lives, however often it is used.',
  ),
  acrLevels: setting(
    'LATCHKEY_ACR_LEVELS',
    ACR_LEVELS,
    DEFAULT_ACR_LEVELS,
    'Levels of assurance, the weakest first: each a `value` for `acr`, the methods in `amr` that must all have been used, and `withinSeconds` where the sign-in may not be older. As text, in JSON.',
  ),
  authorizationCodeSeconds: setting(
    'LATCHKEY_AUTHORIZATION_CODE_SECONDS',
    whole(10, DURATIONS.codeMax),
    DURATIONS.codeDefault,
    'How long an authorization code may wait to be redeemed.',
  ),
  refreshOverlapMilliseconds: setting(
    'LATCHKEY_REFRESH_OVERLAP_MS',
    whole(0, DURATIONS.overlapMax * 1000),
    DURATIONS.overlapDefault * 1000,
    'How long a spent refresh token may be repeated where an overlap is allowed, in milliseconds.',
  ),
  pepperFile: setting(
    'LATCHKEY_PEPPER_FILE',
    z.string().min(1).optional(),
    undefined,
    'A file with keys that passwords go through before they are hashed, a line each: an id and 32 bytes in base64. The first is used; the others verify older hashes. Without its pepper a password is lost.',
  ),
  hashConcurrency: setting(
    'LATCHKEY_HASH_CONCURRENCY',
    whole(1, 64).optional(),
    undefined,
    'Password hashes at a time; by default one less than there are cores.',
  ),
  hashQueue: setting(
    'LATCHKEY_HASH_QUEUE',
    whole(1, 1_000),
    LIMITS.hashQueueMax,
    'Password hashes that may wait; one more is answered 503.',
  ),
  breachedPasswordsFile: setting(
    'LATCHKEY_BREACHED_PASSWORDS_FILE',
    z.string().min(1).optional(),
    undefined,
    'A file that `latchkey passwords import` made: no new password may be one of those in it.',
  ),
  breachedPasswordsLookup: setting(
    'LATCHKEY_BREACHED_PASSWORDS_LOOKUP',
    breachLookup,
    'off',
    'Asks Have I Been Pwned about each new password, by the first five digits of its SHA-1: `on`, `off`, or the URL of a service that answers in the same way. Without an answer the password is taken.',
  ),
  claimHook: setting(
    'LATCHKEY_CLAIM_HOOK',
    z.string().min(1).refine(isPlainHook, 'It is a web address with a user or a fragment.').optional(),
    undefined,
    'What says more in access tokens: a file with an ES module whose default export is asked about each token, or an https URL that is. docs/guides/claims.md',
  ),
  claimHookSecretFile: setting(
    'LATCHKEY_CLAIM_HOOK_SECRET_FILE',
    z.string().min(1).optional(),
    undefined,
    'The file with the secret that requests to a claim hook behind a URL are signed with, readable by its owner only.',
  ),
  claimHookTimeoutMs: setting(
    'LATCHKEY_CLAIM_HOOK_TIMEOUT_MS',
    whole(50, 5_000),
    500,
    'How long a claim hook may take, in milliseconds.',
  ),
  claimHookFallback: setting(
    'LATCHKEY_CLAIM_HOOK_FALLBACK',
    z.enum(['refuse', 'without']),
    'refuse',
    'What becomes of a token when the claim hook does not answer as it must: none is issued, or one without its claims.',
  ),
  keyRotationDays: setting(
    'LATCHKEY_KEY_ROTATION_DAYS',
    whole(1, 365),
    30,
    'How long a signing key signs before the next one takes over.',
  ),
  fetchAllow: setting(
    'LATCHKEY_FETCH_ALLOW',
    origins,
    [],
    'Origins on your own network, to the letter, that the server may call, by http too: http://127.0.0.1:3000 for back-channel logout.',
  ),
  drainSeconds: setting('LATCHKEY_DRAIN_SECONDS', whole(0, 300), 10, 'How long a stop waits for requests under way.'),
} as const satisfies Record<string, Setting<unknown>>;

type Value<S> = S extends Setting<infer T> ? T : never;

/** The values of all settings, checked; the issuer is always known by then. */
export type Settings = { readonly [K in keyof typeof SETTINGS]: Value<(typeof SETTINGS)[K]> } & {
  readonly issuer: string;
};
