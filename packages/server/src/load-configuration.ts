import { existsSync, readFileSync, realpathSync, statSync } from 'node:fs';
import { basename, dirname, isAbsolute, join, relative, sep } from 'node:path';
import { fail, ok, type Result } from '@latchkey/protocol/result';
import { readLogo } from './appearance/logo.ts';
import { readTexts } from './appearance/texts.ts';
import { openDigestFile } from './breached-passwords/digest-file.ts';
import { isHookUrl } from './claim-hook/open-claim-hook.ts';
import { FileUnusable } from './file-unusable.ts';
import { type Pepper, parsePeppers } from './prove/pepper.ts';
import { inspectSettings, type SettingProblem } from './read-settings.ts';
import { ensureKekFile, KEK_VARIABLE, kekOfText, readKekFile, SecretUnusable } from './seal/kek.ts';
import type { Settings } from './settings.ts';
import { readTls, type TlsFiles } from './tls.ts';

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
  readonly smtpPassword: string | undefined;
  readonly claimHookSecret: string | undefined;
  readonly peppers: readonly Pepper[];
  /** The files of a server that ends TLS itself. */
  readonly tls: TlsFiles | undefined;
  /** Where the credential of the administrator's client is, beside the key-encryption key. */
  readonly credentialFile: string;
}

/** Reads the whole configuration, from everywhere, and finds all of its mistakes at once. */
export function loadConfiguration(input: ConfigurationInput): Result<Configuration, readonly SettingProblem[]> {
  const file = readConfigurationFile(input.cwd);
  if (!file.ok) return file;
  const { values, problems: found } = inspectSettings({ flags: input.flags, env: input.env, file: file.value });
  const settings = withAbsolutePaths(values, input.cwd);
  const problems = [...found, ...checkKekPlace(settings)];

  const metricsToken = collect(problems, 'metricsTokenFile', () => readMetricsToken(settings.metricsTokenFile));
  const smtpPassword = collect(problems, 'smtpPasswordFile', () => readSecretFile(settings.smtpPasswordFile));
  const claimHookSecret = collect(problems, 'claimHookSecretFile', () => readHookSecret(settings.claimHookSecretFile));
  collect(problems, 'claimHook', () => checkHookFile(settings.claimHook));
  const peppers = collect(problems, 'pepperFile', () => loadPeppers(settings.pepperFile)) ?? [];
  const tls = collect(problems, 'tlsKey', () => loadTls(settings));
  collect(problems, 'breachedPasswordsFile', () => checkDigestFile(settings.breachedPasswordsFile));
  collect(problems, 'pagesLogo', () => settings.pagesLogo !== undefined && readLogo(settings.pagesLogo));
  problems.push(...checkTexts(settings.pagesTexts));
  const kek = collect(problems, 'kekFile', () => loadKek(settings.kekFile, input, problems.length === 0));
  if (problems.length > 0 || kek === undefined) return fail(problems);
  const whole = settings as Settings; // without a problem every setting has been read
  return ok({
    settings: whole,
    kek,
    metricsToken,
    smtpPassword,
    claimHookSecret,
    peppers,
    tls,
    credentialFile: join(dirname(whole.kekFile), 'admin.json'),
  });
}

/** Whoever copies the data folder must not get the key to it along with it. */
function checkKekPlace({ kekFile, data }: Partial<Settings>): readonly SettingProblem[] {
  if (kekFile === undefined || data === undefined || data === ':memory:' || !isWithin(kekFile, data)) return [];
  return [
    {
      setting: 'kekFile',
      problem: 'The key-encryption key lies in the data folder: a copy of that folder would be a full compromise.',
      mend: 'Keep it elsewhere: --kek-file ./.latchkey/kek',
    },
  ];
}

/** Where a path really leads, as far as it is there. */
function realPath(path: string): string {
  if (existsSync(path)) return realpathSync(path);
  const parent = dirname(path);
  return parent === path ? path : join(realPath(parent), basename(path));
}

function isWithin(file: string, folder: string): boolean {
  const path = relative(realPath(folder), realPath(file));
  return !isAbsolute(path) && path.split(sep)[0] !== '..';
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

/** Settings that name a file or a folder, from the working directory. */
const PATHS = [
  'data',
  'kekFile',
  'metricsTokenFile',
  'smtpPasswordFile',
  'claimHook',
  'claimHookSecretFile',
  'pepperFile',
  'tlsCert',
  'tlsKey',
  'pagesLogo',
  'pagesTexts',
  'breachedPasswordsFile',
] as const;

function withAbsolutePaths(settings: Partial<Settings>, cwd: string): Partial<Settings> {
  const isPath = (path: string) => path !== ':memory:' && !isHookUrl(path);
  const absolute = (path: string) => (isAbsolute(path) || !isPath(path) ? path : join(cwd, path));
  const paths = PATHS.flatMap((name) => {
    const path = settings[name];
    return path === undefined ? [] : [[name, absolute(path)]];
  });
  return { ...settings, ...Object.fromEntries(paths) };
}

/** A secret or a file that cannot be used is one more problem of the configuration, with its mend. */
function collect<T>(problems: SettingProblem[], setting: string, read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof SecretUnusable || error instanceof FileUnusable)) throw error;
    const mend = error instanceof FileUnusable ? error.mend : 'See docs/guides/run-in-production.md.';
    problems.push({ setting, problem: error.message, mend });
    return undefined;
  }
}

/** The server opens it anew; that it can is found out before. */
function checkDigestFile(path: string | undefined): void {
  if (path !== undefined) openDigestFile(path).close();
}

/** Every mistake in the texts is a problem of its own. */
function checkTexts(path: string | undefined): readonly SettingProblem[] {
  const texts = path === undefined ? ok({}) : readTexts(path);
  if (texts.ok) return [];
  const mend = `Mend it in ${String(path)}; docs/guides/make-the-pages-your-own.md says what may stand there.`;
  return texts.error.map((problem) => ({ setting: 'pagesTexts', problem, mend }));
}

/** Where TLS is set up, that the files can be used is found out before the server starts. */
function loadTls({ tlsCert, tlsKey }: Partial<Settings>): TlsFiles | undefined {
  if (tlsCert === undefined || tlsKey === undefined) return undefined;
  const files = { cert: tlsCert, key: tlsKey };
  readTls(files);
  return files;
}

/** A key is made only for a configuration that has no other mistake. */
function loadKek(
  file: string | undefined,
  { env, makesKek }: ConfigurationInput,
  isRightSoFar: boolean,
): Uint8Array | undefined {
  const text = env[KEK_VARIABLE];
  if (text !== undefined) return kekOfText(text);
  if (file === undefined || (makesKek && !isRightSoFar && !existsSync(file))) return undefined;
  if (makesKek) ensureKekFile(file);
  return readKekFile(file);
}

/** A secret in a file of its own, which only its owner may read. */
function readSecretFile(file: string | undefined): string | undefined {
  if (file === undefined) return undefined;
  if (!existsSync(file)) throw new SecretUnusable(`there is no file ${file}`);
  if (process.platform !== 'win32' && (statSync(file).mode & 0o077) !== 0)
    throw new SecretUnusable(`${file} can be read by others; run chmod 600 ${file}`);
  return readFileSync(file, 'utf8').trim();
}

function loadPeppers(file: string | undefined): readonly Pepper[] {
  const text = readSecretFile(file);
  return text === undefined ? [] : parsePeppers(text);
}

/** The server loads the module; that it is there is found out before. */
function checkHookFile(hook: string | undefined): void {
  if (hook !== undefined && !isHookUrl(hook) && !existsSync(hook))
    throw new FileUnusable(`there is no file ${hook}`, 'Set it to an ES module or an https URL: docs/guides/claims.md');
}

const HOOK_SECRET_MIN = 32;

function readHookSecret(file: string | undefined): string | undefined {
  const secret = readSecretFile(file);
  if (secret !== undefined && secret.length < HOOK_SECRET_MIN)
    throw new SecretUnusable(
      `the secret in ${String(file)} is shorter than ${HOOK_SECRET_MIN} characters: openssl rand -hex 32`,
    );
  return secret;
}

function readMetricsToken(file: string | undefined): string | undefined {
  const token = readSecretFile(file);
  if (token !== undefined && token.length < METRICS_TOKEN_MIN)
    throw new SecretUnusable(
      `the token in ${file} is shorter than ${METRICS_TOKEN_MIN} characters: openssl rand -hex 32`,
    );
  return token;
}
