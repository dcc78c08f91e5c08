import { existsSync, readFileSync, statSync } from 'node:fs';
import { dirname, isAbsolute, join } from 'node:path';
import { fail, ok, type Result } from '@latchkey/protocol/result';
import { readSettings, type SettingProblem } from './read-settings.ts';
import { ensureKekFile, KEK_VARIABLE, kekOfText, readKekFile, SecretUnusable } from './seal/kek.ts';
import type { Settings } from './settings.ts';

export const CONFIGURATION_FILE = 'latchkey.config.json';
const METRICS_TOKEN_MIN = 32;

/** What a process was started with. */
export interface ConfigurationInput {
  readonly flags: Readonly<Record<string, string | undefined>>;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  /** Makes a key-encryption key where there is none: at `init`, and in development mode. */
  readonly makesKek: boolean;
}

/** Settings with the secrets that they point to. */
export interface Configuration {
  readonly settings: Settings;
  readonly kek: Uint8Array;
  readonly metricsToken: string | undefined;
  /** Where the credential of the administrator's client is, beside the key-encryption key. */
  readonly credentialFile: string;
}

/** Reads the whole configuration, from everywhere, and finds all of its mistakes at once. */
export function loadConfiguration(input: ConfigurationInput): Result<Configuration, readonly SettingProblem[]> {
  const file = readConfigurationFile(input.cwd);
  if (!file.ok) return file;
  const read = readSettings({ flags: input.flags, env: input.env, file: file.value });
  const settings = read.ok ? withAbsolutePaths(read.value, input.cwd) : undefined;
  const problems: SettingProblem[] = read.ok ? [] : [...read.error];
  if (settings === undefined) return fail(problems);

  const kek = collect(problems, 'kekFile', () => loadKek(settings, input));
  const metricsToken = collect(problems, 'metricsTokenFile', () => readMetricsToken(settings.metricsTokenFile));
  if (problems.length > 0 || kek === undefined) return fail(problems);
  const credentialFile = join(dirname(settings.kekFile), 'admin.json');
  return ok({ settings, kek, metricsToken, credentialFile });
}

function readConfigurationFile(cwd: string): Result<Readonly<Record<string, unknown>>, readonly SettingProblem[]> {
  const path = join(cwd, CONFIGURATION_FILE);
  if (!existsSync(path)) return ok({});
  const wrong = (problem: string) =>
    fail([{ setting: CONFIGURATION_FILE, problem, mend: 'It holds one JSON object: {"issuer": "https://…"}.' }]);
  try {
    const value: unknown = JSON.parse(readFileSync(path, 'utf8'));
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return wrong('It holds no JSON object.');
    return ok(value as Readonly<Record<string, unknown>>);
  } catch (error) {
    if (error instanceof SyntaxError) return wrong('It is not JSON.');
    throw error;
  }
}

function withAbsolutePaths(settings: Settings, cwd: string): Settings {
  const absolute = (path: string) => (isAbsolute(path) || path === ':memory:' ? path : join(cwd, path));
  const { metricsTokenFile } = settings;
  return {
    ...settings,
    data: absolute(settings.data),
    kekFile: absolute(settings.kekFile),
    metricsTokenFile: metricsTokenFile === undefined ? undefined : absolute(metricsTokenFile),
  };
}

/** A secret that cannot be used is one more problem of the configuration, with its mend. */
function collect<T>(problems: SettingProblem[], setting: string, read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof SecretUnusable)) throw error;
    problems.push({ setting, problem: error.message, mend: 'See docs/guides/run-in-production.md.' });
    return undefined;
  }
}

function loadKek(settings: Settings, { env, makesKek }: ConfigurationInput): Uint8Array {
  const text = env[KEK_VARIABLE];
  if (text !== undefined) return kekOfText(text);
  if (makesKek) ensureKekFile(settings.kekFile);
  return readKekFile(settings.kekFile);
}

function readMetricsToken(file: string | undefined): string | undefined {
  if (file === undefined) return undefined;
  if (!existsSync(file)) throw new SecretUnusable(`there is no file ${file}`);
  if (process.platform !== 'win32' && (statSync(file).mode & 0o077) !== 0)
    throw new SecretUnusable(`${file} can be read by others; run chmod 600 ${file}`);
  const token = readFileSync(file, 'utf8').trim();
  if (token.length < METRICS_TOKEN_MIN)
    throw new SecretUnusable(
      `the token in ${file} is shorter than ${METRICS_TOKEN_MIN} characters: openssl rand -hex 32`,
    );
  return token;
}
