import { Readable } from 'node:stream';
import type { Context } from '@latchkey/cli/context';

/** A context without a process around it, and what was written to it. */
export function testContext(more: Partial<Context> = {}) {
  const written = { out: '', err: '' };
  const context: Context = {
    env: {},
    cwd: process.cwd(),
    stdin: Readable.from([]),
    isInteractive: false,
    columns: undefined,
    out: (text) => {
      written.out += text;
    },
    say: (line) => {
      written.err += `${line}\n`;
    },
    fetch: () => Promise.reject(new Error('nothing is fetched here')),
    signal: new AbortController().signal,
    ...more,
  };
  return { context, written };
}
