import { fail, ok, type Result } from '@latchkey/protocol/result';
import type { z } from 'zod';
import { SETTINGS, type Settings } from './settings.ts';

/** Where settings come from, in the order in which they win. */
export interface SettingsInput {
  /** By the setting's name: what stands on the command line. */
  readonly flags: Readonly<Record<string, string | undefined>>;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The members of `latchkey.config.json`. */
  readonly file: Readonly<Record<string, unknown>>;
}

/** One mistake, and what to do about it. */
export interface SettingProblem {
  readonly setting: string;
  readonly problem: string;
  readonly mend: string;
}

/** Only a name that cannot be anything else than this machine. */
const LOOPBACK = new Set(['localhost', '127.0.0.1', '[::1]', '::1']);
export const isLoopback = (host: string): boolean => LOOPBACK.has(host);

/** The flag of a setting: `kekFile` is `--kek-file`. */
export const flagOf = (name: string): string => `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;

/** What could be read of settings, and all that is wrong with them. */
export interface InspectedSettings {
  /** Without the settings whose own value is wrong. */
  readonly values: Partial<Settings>;
  readonly problems: readonly SettingProblem[];
}

/** Reads all settings, or tells every mistake in them. */
export function readSettings(input: SettingsInput): Result<Settings, readonly SettingProblem[]> {
  const { values, problems } = inspectSettings(input);
  return problems.length > 0 ? fail(problems) : ok(values as Settings); // every member was read by its row's schema
}

/**
 * Finds all mistakes at once, not only the first: one wrong value does not hide what is wrong about the others. Values
 * are not repeated in a problem, since one might be a secret in the wrong place.
 */
export function inspectSettings(input: SettingsInput): InspectedSettings {
  const problems: SettingProblem[] = [];
  const read: Record<string, unknown> = {};
  for (const [name, row] of Object.entries(SETTINGS)) {
    const given = input.flags[name] ?? input.env[row.env] ?? input.file[name] ?? row.fallback;
    const parsed = row.schema.safeParse(given);
    if (parsed.success) read[name] = parsed.data;
    else
      problems.push({
        setting: name,
        problem: parsed.error.issues.map(worded).join('; '),
        mend: `Set ${flagOf(name)}, ${row.env}, or "${name}" in latchkey.config.json. ${row.doc}`,
      });
  }
  for (const name of Object.keys(input.file))
    if (!(name in SETTINGS))
      problems.push({
        setting: name,
        problem: 'There is no such setting.',
        mend: 'Remove it from latchkey.config.json; docs/reference/settings.md has them all.',
      });
  const isIssuerWrong = problems.some(({ setting }) => setting === 'issuer');
  if (read.mode === 'development' && !isIssuerWrong) read.issuer ??= `http://localhost:${String(read.port ?? '')}`;
  const values = read as Partial<Settings>;
  const wrong = new Set(problems.map(({ setting }) => setting));
  problems.push(...crossChecks(values, isIssuerWrong).filter(({ setting }) => !wrong.has(setting)));
  return { values: values.issuer === undefined ? values : { ...values, issuer: bare(values.issuer) }, problems };
}

/** What is wrong, and where in a value of many parts: the names on the way are ours, and lists are counted from one. */
const worded = ({ path, message }: z.core.$ZodIssue): string =>
  path.length === 0
    ? message
    : `${path.map((part) => (typeof part === 'number' ? part + 1 : String(part))).join('.')}: ${message}`;

const bare = (issuer: string): string => issuer.replace(/\/+$/, '');

type Refuse = (setting: string, problem: string, mend: string) => void;

/** What no single setting can know: how they fit together, and what production mode refuses. */
function crossChecks(values: Partial<Settings>, isIssuerWrong: boolean): readonly SettingProblem[] {
  const problems: SettingProblem[] = [];
  const refuse: Refuse = (setting, problem, mend) => problems.push({ setting, problem, mend });
  if (values.issuer !== undefined) checkIssuer(new URL(values.issuer), values, refuse);
  else if (!isIssuerWrong)
    refuse(
      'issuer',
      'The issuer is not set.',
      'Set it to the public https URL of this server: --issuer, LATCHKEY_ISSUER.',
    );
  if (values.mode === 'development' && values.host !== undefined && !isLoopback(values.host))
    refuse('host', 'Development mode listens on loopback only.', 'Use --host 127.0.0.1, or production mode.');
  if ((values.tlsCert === undefined) !== (values.tlsKey === undefined))
    refuse(
      values.tlsCert === undefined ? 'tlsCert' : 'tlsKey',
      'TLS needs a certificate and its key.',
      'Set both: --tls-cert, --tls-key',
    );
  if (values.smtpUrl !== undefined && values.mailFrom === undefined)
    refuse('mailFrom', 'Mail needs an address that it comes from.', 'Set it: --mail-from no-reply@example.com');
  if (values.smtpUrl === undefined && values.smtpPasswordFile !== undefined)
    refuse('smtpUrl', 'There is a password for a mail server, and no mail server.', 'Set it: --smtp-url');
  const lookup = URL.parse(values.breachedPasswordsLookup ?? 'off');
  if (lookup?.protocol === 'http:' && values.fetchAllow?.includes(lookup.origin) === false)
    refuse(
      'breachedPasswordsLookup',
      'It is neither https nor at an origin that the server may call by http.',
      'Use an https URL, or name its origin: --fetch-allow',
    );
  const hook = URL.parse(values.claimHook ?? '');
  const isHookUrl = hook !== null && /^https?:$/.test(hook.protocol);
  if (isHookUrl && values.claimHookSecretFile === undefined)
    refuse('claimHookSecretFile', 'A claim hook behind a URL needs a secret.', 'Set it: --claim-hook-secret-file');
  if (isHookUrl && hook.protocol === 'http:' && values.fetchAllow?.includes(hook.origin) === false)
    refuse(
      'claimHook',
      'It is neither https nor at an origin that the server may call by http.',
      'Use an https URL, or name its origin: --fetch-allow',
    );
  if (values.smtpUrl === undefined && values.mode === 'production')
    for (const [name, off] of [
      ['registration', 'closed'],
      ['magicLink', 'off'],
    ] as const)
      if (values[name] !== undefined && values[name] !== off)
        refuse(name, 'It needs mail, and there is no mail server.', 'Set one: --smtp-url, --mail-from');
  for (const kind of ['body', 'cookie'] as const) {
    const [idle, absolute] = [values[`${kind}IdleSeconds`], values[`${kind}AbsoluteSeconds`]];
    if (idle !== undefined && absolute !== undefined && idle > absolute)
      refuse(`${kind}IdleSeconds`, `It is longer than ${kind}AbsoluteSeconds.`, 'Make it shorter.');
  }
  return problems;
}

function checkIssuer(issuer: URL, { mode, trustedProxies, tlsCert }: Partial<Settings>, refuse: Refuse): void {
  if (issuer.search !== '' || issuer.hash !== '' || issuer.username !== '')
    refuse('issuer', 'The issuer has a query, a fragment or a user.', 'Leave only scheme, host, port and path.');
  if (issuer.protocol !== 'https:' && !(issuer.protocol === 'http:' && isLoopback(issuer.hostname)))
    refuse('issuer', 'The issuer is not https.', 'Use an https URL; plain http is for loopback only.');
  if (mode === 'development' && !isLoopback(issuer.hostname))
    refuse('issuer', 'Development mode has an issuer on loopback only.', 'Use http://localhost with the port.');
  if (tlsCert !== undefined && issuer.protocol !== 'https:')
    refuse('issuer', 'The server speaks https, and its issuer is not https.', 'Use the https URL of this server.');
  if (mode === 'production' && issuer.protocol === 'https:' && trustedProxies?.length === 0 && tlsCert === undefined)
    refuse(
      'trustedProxies',
      'The proxy that ends TLS is not named, so every request would seem to come from one address.',
      'Name its address: --trusted-proxies 127.0.0.1. Or let the server end TLS itself: --tls-cert, --tls-key',
    );
}
