import { randomBytes } from 'node:crypto';
import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { dirname, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Context } from './context.ts';
import { EXIT, Stop } from './exit-codes.ts';

/** The credential of a machine: a client that an administrator or `latchkey init` made. */
export interface ClientCredential {
  readonly kind: 'client';
  readonly issuer: string;
  readonly clientId: string;
  readonly clientSecret: string;
}

/** The sign-in of a person: a refresh token, which changes with each use. */
export interface SignInCredential {
  readonly kind: 'sign_in';
  readonly issuer: string;
  readonly clientId: string;
  readonly refreshToken: string;
  /** Of a refresh whose answer has not come in: the same id says that it is the same attempt. */
  readonly attemptId: string | undefined;
}

export type Credential = ClientCredential | SignInCredential;

/** A credential file: where it is, and how whoever runs the command named it. */
export interface CredentialFile {
  readonly path: string;
  readonly shown: string;
}

export const CREDENTIAL_VARIABLE = 'LATCHKEY_CREDENTIAL';
/** What `latchkey init` wrote, and what `latchkey login` writes, where nothing else is said. A sign-in comes first. */
export const CREDENTIAL_FILE = '.latchkey/admin.json';
export const SIGN_IN_FILE = '.latchkey/login.json';

const named = ({ env, cwd }: Context, flag: string | undefined): CredentialFile | undefined => {
  const shown = flag ?? env[CREDENTIAL_VARIABLE];
  return shown === undefined ? undefined : { shown, path: resolve(cwd, shown) };
};

const inFolder = ({ cwd }: Context, shown: string): CredentialFile => ({ shown, path: resolve(cwd, shown) });

/** The file with which a command works. */
export function credentialFileOf(context: Context, flag: string | undefined): CredentialFile {
  const signIn = inFolder(context, SIGN_IN_FILE);
  return named(context, flag) ?? (existsSync(signIn.path) ? signIn : inFolder(context, CREDENTIAL_FILE));
}

/** The file to which a sign-in goes, and from which it is taken away. */
export const signInFileOf = (context: Context, flag: string | undefined): CredentialFile =>
  named(context, flag) ?? inFolder(context, SIGN_IN_FILE);

const MEND = `Run latchkey init or latchkey login, or name the file: --credential FILE, or ${CREDENTIAL_VARIABLE}.`;

/** Reads a credential; one that others can read is not used. */
export function readCredential({ path, shown }: CredentialFile): Credential {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
    if (process.platform !== 'win32' && (statSync(path).mode & 0o077) !== 0)
      throw new Stop(EXIT.unauthorised, `${shown} can be read by others.`, `Run chmod 600 ${shown}`);
  } catch (error) {
    if (error instanceof Error && 'code' in error)
      throw new Stop(EXIT.unauthorised, `There is no credential in ${shown} (${String(error.code)}).`, MEND);
    throw error;
  }
  const credential = parseCredential(text);
  if (credential !== undefined) return credential;
  throw new Stop(
    EXIT.usage,
    `${shown} does not hold issuer, client_id and client_secret or refresh_token as JSON.`,
    MEND,
  );
}

function parseCredential(text: string): Credential | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
  if (typeof value !== 'object' || value === null) return undefined;
  const fields: Readonly<Record<string, unknown>> = { ...value };
  const { issuer, client_id: clientId, client_secret: clientSecret, refresh_token: refreshToken } = fields;
  if (typeof issuer !== 'string' || typeof clientId !== 'string') return undefined;
  if (typeof clientSecret === 'string') return { kind: 'client', issuer, clientId, clientSecret };
  if (typeof refreshToken !== 'string') return undefined;
  const attemptId = typeof fields.attempt_id === 'string' ? fields.attempt_id : undefined;
  return { kind: 'sign_in', issuer, clientId, refreshToken, attemptId };
}

/** Writes a sign-in in the place of what is there: whole or not at all, and readable by its owner only. */
export function writeSignIn({ path }: CredentialFile, credential: SignInCredential): void {
  const { issuer, clientId, refreshToken, attemptId } = credential;
  const value = {
    issuer,
    client_id: clientId,
    refresh_token: refreshToken,
    ...(attemptId === undefined ? {} : { attempt_id: attemptId }),
  };
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  const temporary = `${path}.${randomBytes(6).toString('hex')}`;
  try {
    const file = openSync(temporary, 'wx', 0o600);
    try {
      writeSync(file, `${JSON.stringify(value, null, 2)}\n`);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    renameSync(temporary, path);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
}

const POLL_MILLISECONDS = 50;
/** Longer than a request may take, so that whoever waits outlives whoever works. */
const WAIT_MILLISECONDS = 45_000;

/**
 * Works on a sign-in while no other command does: of two that refresh at once, one would present a token that is spent,
 * which the server takes for theft. A lock that is left behind by a command that was killed is not taken away by
 * guessing; the message says what to do.
 *
 * @param waitMilliseconds for how long another command is waited for
 */
export async function withLock<T>(
  context: Context,
  { path, shown }: CredentialFile,
  work: () => Promise<T>,
  waitMilliseconds = WAIT_MILLISECONDS,
): Promise<T> {
  const lock = `${path}.lock`;
  const until = performance.now() + waitMilliseconds;
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  while (!tryLock(lock)) {
    if (context.signal.aborted) throw new Stop(EXIT.interrupted, 'Interrupted.');
    const isLeft = !isHeld(lock);
    if (isLeft || performance.now() > until)
      throw new Stop(
        EXIT.unreachable,
        isLeft ? `A command was killed while it worked with ${shown}.` : `Another command works with ${shown}.`,
        `If no other one runs, remove ${shown}.lock and try again.`,
      );
    await sleep(POLL_MILLISECONDS);
  }
  try {
    return await work();
  } finally {
    rmSync(lock, { force: true });
  }
}

function tryLock(path: string): boolean {
  try {
    const file = openSync(path, 'wx', 0o600);
    writeSync(file, String(process.pid));
    closeSync(file);
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false;
    throw error;
  }
}

/** Whether the process that made a lock still runs, as far as that can be known. */
function isHeld(path: string): boolean {
  try {
    const pid = Number(readFileSync(path, 'utf8'));
    if (pid > 0) process.kill(pid, 0);
    return true;
  } catch (error) {
    return !(error instanceof Error && 'code' in error && error.code === 'ESRCH');
  }
}
