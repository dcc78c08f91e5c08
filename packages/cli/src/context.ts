import type { Readable } from 'node:stream';

/** The world as a command sees it. `main.ts` makes it; tests make another. */
export interface Context {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  readonly stdin: Readable & { readonly isTTY?: boolean };
  /** Whether there is somebody at a terminal who can be asked. */
  readonly isInteractive: boolean;
  /** How wide the terminal is that standard output is; undefined where it is none. */
  readonly columns: number | undefined;
  /** Writes to standard output, as it stands. */
  readonly out: (text: string) => void;
  /** Writes a line for people to standard error. */
  readonly say: (line: string) => void;
  readonly fetch: typeof fetch;
  /** Aborted by Ctrl-C. */
  readonly signal: AbortSignal;
}

/** The global options, as each command gets them. */
export interface GlobalOptions {
  readonly json?: boolean;
  readonly credential?: string;
}
