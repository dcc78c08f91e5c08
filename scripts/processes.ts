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

/** What a script has started, and how all of it ends together. */
export interface Together {
  /** Stops this process too, at the end. */
  add(child: ChildProcess): ChildProcess;
  /** Stops everything, cleans up and exits. Whoever calls later waits for the first end. */
  end(code: number): Promise<never>;
  /** Runs the script itself. What goes wrong while everything is being stopped is no news. */
  run(work: () => Promise<void>): Promise<void>;
}

export interface Ending {
  /** The exit code after a signal: 0 for what is stopped in no other way. */
  readonly codeOfSignal: number;
  readonly cleanUp?: () => void;
}

/** One press of Ctrl-C can arrive twice, since npm passes it on; a second press is meant. */
const SECOND_PRESS_MILLISECONDS = 1_000;

/** Sees to it that nothing is left when a script ends: by itself, at Ctrl-C, or because its terminal was closed. */
export function endTogether({ codeOfSignal, cleanUp = () => undefined }: Ending): Together {
  const children: ChildProcess[] = [];
  let ending: Promise<never> | undefined;
  const end = (code: number): Promise<never> => {
    ending ??= Promise.all(children.map(stop)).then(() => {
      cleanUp();
      process.exit(code);
    });
    return ending;
  };
  let askedAt: number | undefined;
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.on(signal, () => {
      const isMeant = askedAt !== undefined && performance.now() - askedAt > SECOND_PRESS_MILLISECONDS;
      if (isMeant) for (const child of children) child.kill('SIGKILL');
      if (askedAt === undefined && signal === 'SIGINT') console.log('\nStopping …');
      askedAt ??= performance.now();
      void end(codeOfSignal);
    });
  return {
    add(child) {
      children.push(child);
      return child;
    },
    end,
    async run(work) {
      try {
        await work();
      } catch (error) {
        if (ending === undefined) console.error(error instanceof Error ? error.message : error);
        await end(1);
      }
    },
  };
}
