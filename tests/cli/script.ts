import { type ChildProcess, type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePort } from '@latchkey/testkit/test-server';

const MAIN = fileURLToPath(new URL('../../packages/cli/src/main.ts', import.meta.url));

/** What a command left behind. */
export interface Ran {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** A folder with a server process on a port of its own, and the real command run in it. */
export interface Place {
  readonly folder: string;
  readonly issuer: string;
  latchkey(args: readonly string[], stdin?: string): Promise<Ran>;
  /** Starts the command, and leaves it running. */
  start(args: readonly string[]): ChildProcessWithoutNullStreams;
  /** Starts the server in development mode and waits until it is ready. */
  serve(): Promise<ChildProcessWithoutNullStreams>;
  close(): Promise<void>;
}

export async function openPlace(): Promise<Place> {
  const folder = mkdtempSync(join(tmpdir(), 'latchkey-cli-'));
  const port = await freePort();
  const issuer = `http://localhost:${port}`;
  const env = { PATH: process.env.PATH, HOME: folder, LATCHKEY_PORT: String(port), LATCHKEY_LOG_LEVEL: 'info' };
  const servers: ChildProcess[] = [];
  const start = (args: readonly string[]) =>
    spawn(process.execPath, ['--conditions=@latchkey/source', MAIN, ...args], { cwd: folder, env });
  return {
    folder,
    issuer,
    start,
    async latchkey(args, stdin = '') {
      const child = start(args);
      let [out, err] = ['', ''];
      child.stdout.on('data', (chunk) => (out += chunk));
      child.stderr.on('data', (chunk) => (err += chunk));
      child.stdin.on('error', () => undefined); // a command that reads nothing has closed it
      child.stdin.end(stdin);
      await once(child, 'close');
      return { code: child.exitCode, out, err };
    },
    async serve() {
      const child = start(['serve', '--dev']);
      servers.push(child);
      child.stdout.resume();
      const until = Date.now() + 20_000;
      while (Date.now() < until && child.exitCode === null) {
        const answer = await fetch(`${issuer}/readyz`).catch(() => undefined);
        if (answer?.ok === true) return child;
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
      throw new Error('the server did not come up');
    },
    async close() {
      for (const child of servers.filter(({ exitCode, signalCode }) => exitCode === null && signalCode === null)) {
        child.kill('SIGTERM');
        await once(child, 'exit');
      }
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** What a line of a script fails with: the line, and what the command before it said. */
class ScriptFailure extends Error {
  override readonly name = 'ScriptFailure';
}

/**
 * Runs a script, line by line, in the manner of Go's testscript:
 *
 *     serve                      start the server
 *     stdin TEXT                 what the next command reads
 *     latchkey ARGS              run the command; it must exit 0
 *     exit 3 latchkey ARGS       run it; it must exit 3
 *     stdout REGEX               the last command must have printed this; `! stdout` must not
 *     stderr REGEX               the same for standard error
 *     json PATH NAME             read a member of the JSON that was printed into $NAME
 *     file NAME MODE TEXT        write a file
 *     mode NAME MODE             a file must have these permissions
 *     signin USER PASSWORD       log in as a person; $ACCESS and $REFRESH are the tokens
 *     refresh TOKEN              refresh, whatever comes of it; $REFRESH is the new one, $ERROR_ID of a refusal
 */
export async function runScript(text: string, place: Place): Promise<void> {
  const variables: Record<string, string> = { ISSUER: place.issuer };
  let stdin: string | undefined;
  let last: Ran = { code: 0, out: '', err: '' };

  const run = async (code: number, args: readonly string[]) => {
    last = await place.latchkey(args, stdin);
    stdin = undefined;
    if (last.code !== code) throw new Error(`exit code ${last.code} instead of ${code}`);
  };
  const post = async (path: string, body: object) => {
    const answer = await fetch(`${place.issuer}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    const value = (await answer.json()) as Readonly<Record<string, string>>;
    variables.ACCESS = value.access_token ?? variables.ACCESS ?? '';
    variables.REFRESH = value.refresh_token ?? variables.REFRESH ?? '';
    variables.ERROR_ID = value.error_id ?? '';
    return answer.status;
  };

  const commands: Readonly<Record<string, (rest: string, words: readonly string[]) => unknown>> = {
    serve: () => place.serve(),
    stdin: (rest) => {
      stdin = `${rest}\n`;
    },
    latchkey: (_, words) => run(0, words),
    exit: (_, [code, , ...words]) => run(Number(code), words),
    stdout: (rest) => matches(last.out, rest, true),
    stderr: (rest) => matches(last.err, rest, true),
    '!': (rest) => matches(rest.startsWith('stdout') ? last.out : last.err, rest.replace(/^std(out|err) /, ''), false),
    json: (_, [path = '', name = '']) => {
      const value = path.split('.').reduce((at, part) => at?.[part], JSON.parse(last.out));
      if (typeof value !== 'string' && typeof value !== 'number') throw new Error(`there is no ${path}`);
      variables[name] = String(value);
    },
    file: (rest, [name = '', mode = '']) =>
      writeFileSync(join(place.folder, name), `${rest.split(' ').slice(2).join(' ')}\n`, {
        mode: Number.parseInt(mode, 8),
      }),
    mode: (_, [name = '', mode = '']) => {
      const found = (statSync(join(place.folder, name)).mode & 0o777).toString(8);
      if (process.platform !== 'win32' && found !== mode) throw new Error(`${name} has the mode ${found}`);
    },
    signin: async (_, [username, password]) => {
      if ((await post('/api/login', { username, password })) !== 200) throw new Error('the login was refused');
    },
    refresh: (_, [token]) => post('/api/refresh', { refresh_token: token }),
  };

  for (const [index, line] of text.split('\n').entries()) {
    if (line.trim() === '' || line.startsWith('#')) continue;
    const filled = line.replace(/\$([A-Z_]+)/g, (whole, name: string) => variables[name] ?? whole);
    const [command = ''] = filled.split(' ', 1);
    const rest = filled.slice(command.length + 1);
    try {
      const run = commands[command];
      if (run === undefined) throw new Error('there is no such command of scripts');
      await run(rest, wordsIn(rest));
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      throw new ScriptFailure(`line ${index + 1}: ${line}\n${why}\n--- stdout\n${last.out}\n--- stderr\n${last.err}`);
    }
  }
}

export const readScript = (name: string): string =>
  readFileSync(new URL(`./scripts/${name}`, import.meta.url), 'utf8').replaceAll('\r\n', '\n');

/** Words as a shell would see them, as far as double quotes go. */
const wordsIn = (text: string): readonly string[] =>
  [...text.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain ?? '');

function matches(text: string, pattern: string, wanted: boolean): void {
  if (new RegExp(pattern, 'm').test(text) !== wanted)
    throw new Error(`${wanted ? 'nothing' : 'something'} there matches ${pattern}`);
}
