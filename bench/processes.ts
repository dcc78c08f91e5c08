import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';

/** A process under measurement. */
export interface Measured {
  readonly child: ChildProcess;
  /** User and system time so far, in seconds, as the operating system counts it. */
  cpuSeconds(): number;
  residentBytes(): number;
  stop(): Promise<void>;
}

const TICKS_A_SECOND = 100;

/** Nothing under measurement outlives a bench that fails halfway. */
const running = new Set<ChildProcess>();
process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

/** Starts `node file` and waits for its line `ready {…}`. */
export async function start(
  file: string,
  args: readonly string[] = [],
  env: Readonly<Record<string, string>> = {},
): Promise<Measured & { readonly told: Readonly<Record<string, unknown>> }> {
  const measured = measure(file, args, env, process.cwd());
  return Object.assign(measured, { told: await readyLine(measured.child, file) });
}

/** Starts `node file` under measurement. */
export function measure(
  file: string,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
  cwd: string,
): Measured {
  const child = spawn(process.execPath, [file, ...args], {
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
    env: { ...process.env, ...env },
    cwd,
  });
  const { pid } = child;
  if (pid === undefined) throw new Error(`${file} did not start`);
  running.add(child);
  child.once('exit', () => running.delete(child));
  return {
    child,
    cpuSeconds() {
      // the command's name stands in parentheses and may hold spaces: count the fields behind it
      const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
        .replace(/^.*\) /, '')
        .split(' ');
      return (Number(fields[11]) + Number(fields[12])) / TICKS_A_SECOND;
    },
    residentBytes() {
      return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) * 1024;
    },
    async stop() {
      if (child.exitCode !== null) return;
      child.kill('SIGTERM');
      await once(child, 'exit');
    },
  };
}

function readyLine(child: ChildProcess, file: string): Promise<Readonly<Record<string, unknown>>> {
  return new Promise((resolve, reject) => {
    let text = '';
    child.stdout?.on('data', (chunk: Buffer) => {
      text += chunk;
      const line = /^ready (.*)$/m.exec(text)?.[1];
      if (line !== undefined) resolve(JSON.parse(line));
    });
    child.once('exit', (code) => reject(new Error(`${file} ended with ${code} before it was ready`)));
  });
}
