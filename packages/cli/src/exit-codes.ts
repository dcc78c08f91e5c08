/** How a command ends. Scripts may rely on these numbers; docs/reference/cli.md has them too. */
export const EXIT = {
  /** Done. */
  ok: 0,
  /** Something went wrong that is nobody's input: a bug, a full disk, a fault of the server. */
  fault: 1,
  /** The command line, an input file or the configuration is not as it should be; nothing was done. */
  usage: 2,
  /** The server understood and said no. */
  refused: 3,
  /** There is no such account, client, resource, session or key. */
  notFound: 4,
  /** The server cannot be reached, or has no room just now. Try again. */
  unreachable: 5,
  /** The administrator's credential is missing, wrong or lacks a scope. */
  unauthorised: 6,
  /** Ended by Ctrl-C. */
  interrupted: 130,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** Ends a command: what happened and what to do about it, for people, and the exit code, for scripts. */
export class Stop extends Error {
  override readonly name = 'Stop';
  readonly exit: ExitCode;
  readonly mend: string | undefined;

  constructor(exit: ExitCode, message: string, mend?: string) {
    super(message);
    this.exit = exit;
    this.mend = mend;
  }
}
