import { Readable } from 'node:stream';
import type { Context } from '@latchkey/cli/context';
import { EXIT } from '@latchkey/cli/exit-codes';
import { createProgram } from '@latchkey/cli/program';
import { page, table } from './markdown.ts';

type Program = Awaited<ReturnType<typeof createProgram>>;

/** docs/reference/cli.md: the help of every command, as the command prints it. */
export async function cliPage(): Promise<string> {
  const program = await createProgram(NO_WORLD);
  const commands: readonly Named[] = [{ path: program.name(), command: program }, ...commandsUnder(program)];
  const sections = commands.map(({ path, command }) => `## ${path}\n\n\`\`\`text\n${helpOf(command)}\n\`\`\``);
  return page('The command line', 'the commands of `packages/cli/src`', [
    'Commands work through the admin API, with the credential that `latchkey init` makes; `serve`, `init`, `migrate`, ' +
      '`passwords import` and `config check` work on the machine itself. Secrets come from a prompt, a file or standard ' +
      'input, never from arguments.',
    '## Exit codes',
    table(
      ['Code', 'Means'],
      Object.entries(EXIT).map(([name, number]) => [String(number), MEANINGS[name as keyof typeof EXIT]]),
    ),
    ...sections,
  ]);
}

const MEANINGS: Readonly<Record<keyof typeof EXIT, string>> = {
  ok: 'done',
  fault: "something went wrong that is nobody's input: a bug, a full disk, a fault of the server",
  usage: 'the command line, an input file or the configuration is not as it should be; nothing was done',
  refused: 'the server understood and said no',
  notFound: 'there is no such account, client, resource, session or key',
  unreachable: 'the server cannot be reached, or has no room just now; try again',
  unauthorised: "the administrator's credential is missing, wrong or lacks a scope",
  interrupted: 'ended by Ctrl-C',
};

interface Named {
  readonly path: string;
  readonly command: Program;
}

const commandsUnder = (parent: Program, path = parent.name()): readonly Named[] =>
  parent.commands.flatMap((command) => {
    const own = `${path} ${command.name()}`;
    return [{ path: own, command }, ...commandsUnder(command, own)];
  });

/** The help as it is printed, with what a command adds to it, at one width on every machine. */
function helpOf(command: Program): string {
  const text: string[] = [];
  command.configureOutput({
    writeOut: (part) => void text.push(part),
    getOutHelpWidth: () => 110,
    getOutHasColors: () => false,
  });
  command.outputHelp();
  return text.join('').trim();
}

/** Making the program needs a world; printing its help touches nothing of it. */
const NO_WORLD: Context = {
  env: {},
  cwd: '.',
  stdin: Readable.from([]),
  isInteractive: false,
  columns: undefined,
  out: () => undefined,
  say: () => undefined,
  fetch: () => Promise.reject(new Error('Help needs no network.')),
  signal: new AbortController().signal,
};
