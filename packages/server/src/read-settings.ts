import { isAbsolute, relative, resolve } from 'node:path';
import { fail, ok, type Result } from '@latchkey/protocol/result';
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

/**
 * Reads all settings and finds all mistakes at once, not only the first. Values are not repeated in a problem, since
 * one might be a secret in the wrong place.
 */
export function readSettings(input: SettingsInput): Result<Settings, readonly SettingProblem[]> {
  const problems: SettingProblem[] = [];
  const values: Record<string, unknown> = {};
  for (const [name, row] of Object.entries(SETTINGS)) {
    const given = input.flags[name] ?? input.env[row.env] ?? input.file[name] ?? row.fallback;
    const parsed = row.schema.safeParse(given);
    if (parsed.success) values[name] = parsed.data;
    else
      problems.push({
        setting: name,
        problem: parsed.error.issues.map(({ message }) => message).join('; '),
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
  if (values.mode === 'development') values.issuer ??= `http://localhost:${String(values.port)}`;
  if (problems.length > 0) return fail(problems);
  const settings = values as Settings; // every member was read by the schema of its row
  const more = crossChecks(settings);
  return more.length > 0 ? fail(more) : ok({ ...settings, issuer: settings.issuer.replace(/\/+$/, '') });
}

/** What no single setting can know: how they fit together, and what production mode refuses. */
function crossChecks(settings: Settings): readonly SettingProblem[] {
  const problems: SettingProblem[] = [];
  const refuse = (setting: string, problem: string, mend: string) => problems.push({ setting, problem, mend });
  if (settings.issuer === undefined) {
    refuse(
      'issuer',
      'The issuer is not set.',
      'Set it to the public https URL of this server: --issuer, LATCHKEY_ISSUER.',
    );
    return problems;
  }
  const issuer = new URL(settings.issuer);
  if (issuer.search !== '' || issuer.hash !== '' || issuer.username !== '')
    refuse('issuer', 'The issuer has a query, a fragment or a user.', 'Leave only scheme, host, port and path.');
  if (issuer.protocol !== 'https:' && !(issuer.protocol === 'http:' && isLoopback(issuer.hostname)))
    refuse('issuer', 'The issuer is not https.', 'Use an https URL; plain http is for loopback only.');
  if (settings.mode === 'development' && !isLoopback(settings.host))
    refuse('host', 'Development mode listens on loopback only.', 'Use --host 127.0.0.1, or production mode.');
  if (settings.mode === 'development' && !isLoopback(issuer.hostname))
    refuse('issuer', 'Development mode has an issuer on loopback only.', 'Use http://localhost with the port.');
  if (settings.mode === 'production' && issuer.protocol === 'https:' && settings.trustedProxies.length === 0)
    refuse(
      'trustedProxies',
      'The proxy that ends TLS is not named, so every request would seem to come from one address.',
      'Name its address: --trusted-proxies 127.0.0.1',
    );
  if (isWithin(settings.kekFile, settings.data))
    refuse(
      'kekFile',
      'The key-encryption key lies in the data folder: a copy of that folder would be a full compromise.',
      'Keep it elsewhere: --kek-file ./.latchkey/kek',
    );
  if (settings.bodyIdleSeconds > settings.bodyAbsoluteSeconds)
    refuse('bodyIdleSeconds', 'It is longer than bodyAbsoluteSeconds.', 'Make it shorter.');
  if (settings.cookieIdleSeconds > settings.cookieAbsoluteSeconds)
    refuse('cookieIdleSeconds', 'It is longer than cookieAbsoluteSeconds.', 'Make it shorter.');
  return problems;
}

function isWithin(file: string, folder: string): boolean {
  const path = relative(resolve(folder), resolve(file));
  return !path.startsWith('..') && !isAbsolute(path);
}
