import type { Context } from './context.ts';

/** The world of this process. Ctrl-C aborts what is under way; the second one ends the process at once. */
export function contextOfProcess(): Context {
  const abort = new AbortController();
  process.on('SIGINT', () => {
    if (abort.signal.aborted) process.exit(130);
    abort.abort();
  });
  // a reader that has seen enough (`latchkey audit tail | head`) is no fault of ours
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(0);
    throw error;
  });
  return {
    env: process.env,
    cwd: process.cwd(),
    stdin: process.stdin,
    isInteractive: process.stdin.isTTY === true && process.stderr.isTTY === true,
    columns: process.stdout.isTTY === true ? process.stdout.columns : undefined,
    out: (text) => void process.stdout.write(text),
    say: (line) => void process.stderr.write(`${line}\n`),
    fetch,
    signal: abort.signal,
  };
}
