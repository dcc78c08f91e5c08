import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { freePort } from '@latchkey/testkit/test-server';

export const root = fileURLToPath(new URL('../..', import.meta.url));
const MAIN = join(root, 'packages/cli/src/main.ts');

type Child = ChildProcessByStdio<null, Readable, Readable>;

/** A process and what it has said so far. */
export interface Said {
  readonly child: Child;
  readonly out: () => string;
  readonly err: () => string;
  /** Resolves with the match when standard output holds it; rejects when the process ends before. */
  until(pattern: RegExp): Promise<RegExpExecArray>;
  /** Resolves with the exit code, or the name of the signal, when all output has been read. */
  ended(): Promise<number | string>;
}

/** Starts a program in a process group of its own and listens to what it says. */
export function listenTo(
  command: string,
  args: readonly string[],
  options: { readonly cwd: string; readonly env: NodeJS.ProcessEnv },
): Said {
  const child = spawn(command, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'], detached: true });
  let [out, err] = ['', ''];
  const waiting = new Set<() => void>();
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    out += chunk;
    for (const look of waiting) look();
  });
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    err += chunk;
  });
  const closed = once(child, 'close');
  return {
    child,
    out: () => out,
    err: () => err,
    until: (pattern) =>
      new Promise((resolve, reject) => {
        const look = () => {
          const found = pattern.exec(out);
          if (found === null) return;
          waiting.delete(look);
          resolve(found);
        };
        waiting.add(look);
        look();
        void closed.then(() => reject(new Error(`the process ended without saying ${pattern}\n${out}\n${err}`)));
      }),
    async ended() {
      await closed;
      return child.exitCode ?? child.signalCode ?? 'unknown';
    },
  };
}

/** Sends a signal to a whole process group, as a terminal does, unless it has gone already. */
export function signalGroup({ child }: Said, signal: NodeJS.Signals): void {
  const { pid } = child;
  if (pid === undefined) return;
  if (process.platform === 'win32') return void child.kill(signal);
  try {
    process.kill(-pid, signal);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error;
  }
}

/** A folder of its own with a port, in which `latchkey serve` runs as often as it is started. */
export interface Place {
  readonly folder: string;
  readonly port: number;
  readonly issuer: string;
  /** Where the database is. */
  readonly database: string;
  /** Runs the real command, perhaps under another program. */
  latchkey(args: readonly string[], env?: NodeJS.ProcessEnv, under?: readonly string[]): Said;
  /** Starts the server, perhaps under another program, and waits until it listens. */
  serve(args?: readonly string[], env?: NodeJS.ProcessEnv, under?: readonly string[]): Promise<Said>;
  /** Kills what still runs and removes the folder. */
  close(): Promise<void>;
}

/** What a process of this project needs of the environment, and nothing of ours. */
export const bareEnv = (folder: string): NodeJS.ProcessEnv => ({
  PATH: process.env.PATH,
  HOME: folder,
  ...(process.env.SystemRoot === undefined ? {} : { SystemRoot: process.env.SystemRoot }),
});

export async function openPlace(): Promise<Place> {
  const folder = mkdtempSync(join(tmpdir(), 'latchkey-process-'));
  const port = await freePort();
  const running: Said[] = [];
  const latchkey: Place['latchkey'] = (args, env = {}, under = []) => {
    const [command = '', ...words] = [...under, process.execPath, '--conditions=@latchkey/source', MAIN, ...args];
    const said = listenTo(command, words, {
      cwd: folder,
      env: { ...bareEnv(folder), LATCHKEY_PORT: String(port), ...env },
    });
    running.push(said);
    return said;
  };
  return {
    folder,
    port,
    issuer: `http://localhost:${port}`,
    database: join(folder, 'data', 'latchkey.db'),
    latchkey,
    async serve(args = ['--dev'], env, under) {
      const said = latchkey(['serve', ...args], env, under);
      await said.until(/"event":"listening"/);
      return said;
    },
    async close() {
      for (const said of running) signalGroup(said, 'SIGKILL');
      await Promise.all(running.map((said) => said.ended()));
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** A JSON body, posted. */
export async function post(
  url: string,
  body: object,
  headers: Readonly<Record<string, string>> = {},
): Promise<{ readonly status: number; readonly headers: Headers; readonly body: Readonly<Record<string, string>> }> {
  const answer = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  });
  const text = await answer.text();
  return { status: answer.status, headers: answer.headers, body: text === '' ? {} : JSON.parse(text) };
}
