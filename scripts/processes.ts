import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('..', import.meta.url));

/** Starts a TypeScript file of this checkout as a process of its own. It hears Ctrl-C from us, not from the terminal. */
export function run(
  file: string,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
  stdio: 'inherit' | 'ignore' | 'pipe',
): ChildProcess {
  return spawn(process.execPath, ['--conditions=@latchkey/source', join(root, file), ...args], {
    stdio: ['ignore', stdio, 'inherit', 'ipc'],
    env: { ...process.env, ...env },
    detached: process.platform !== 'win32',
  });
}

/** Waits until a URL answers 200; gives up when the process ends or the time is over. */
export async function untilReady(url: string, child: ChildProcess, milliseconds: number): Promise<boolean> {
  const until = Date.now() + milliseconds;
  while (Date.now() < until && child.exitCode === null && child.signalCode === null) {
    const answer = await fetch(url).catch(() => undefined);
    await answer?.arrayBuffer();
    if (answer?.ok === true) return true;
    await new Promise((resolve) => setTimeout(resolve, 30));
  }
  return false;
}

/** Waits until a process says a word; gives up when it ends or the time is over. */
export function untilSaid(word: string, child: ChildProcess, milliseconds: number): Promise<boolean> {
  return new Promise((resolve) => {
    const end = (said: boolean) => {
      clearTimeout(timer);
      child.off('message', hear).off('exit', leave);
      resolve(said);
    };
    const hear = (message: unknown) => {
      if (message === word) end(true);
    };
    const leave = () => end(false);
    const timer = setTimeout(leave, milliseconds);
    child.on('message', hear).on('exit', leave);
  });
}

/** Asks a process to stop, and insists when it does not. */
export async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGTERM');
  const insist = setTimeout(() => child.kill('SIGKILL'), 15_000);
  await ended;
  clearTimeout(insist);
}
