import { Command, CommanderError } from 'commander';
import type { Context } from './context.ts';
import { CREDENTIAL_FILE, CREDENTIAL_VARIABLE, SIGN_IN_FILE } from './credential.ts';
import { EXIT, type ExitCode, Stop } from './exit-codes.ts';
import { printable } from './output.ts';

/** What a noun's file offers: it hangs the noun's commands into the program. */
export interface Noun {
  register(command: Command, context: Context): void;
}

/** Every noun, with what the overview says of it. Its file is loaded when it is asked for. */
export const NOUNS: readonly {
  readonly name: string;
  readonly summary: string;
  readonly load: () => Promise<Noun>;
}[] = [
  { name: 'serve', summary: 'run the server', load: () => import('./commands/serve.ts') },
  { name: 'sidecar', summary: 'run the verifier beside a proxy', load: () => import('./commands/sidecar.ts') },
  { name: 'init', summary: 'make data folder, keys and an administrator', load: () => import('./commands/init.ts') },
  { name: 'login', summary: 'sign in as an administrator, in a browser', load: () => import('./commands/login.ts') },
  { name: 'logout', summary: 'end that sign-in', load: () => import('./commands/logout.ts') },
  { name: 'account', summary: 'people who sign in', load: () => import('./commands/account.ts') },
  { name: 'profile', summary: 'what is known of people', load: () => import('./commands/profile.ts') },
  { name: 'client', summary: 'applications that obtain tokens', load: () => import('./commands/client.ts') },
  { name: 'resource', summary: 'APIs that tokens are for', load: () => import('./commands/resource.ts') },
  { name: 'passwords', summary: 'passwords that breaches made known', load: () => import('./commands/passwords.ts') },
  { name: 'api-key', summary: 'API keys of accounts and clients', load: () => import('./commands/api-key.ts') },
  { name: 'role', summary: 'roles of accounts at resources', load: () => import('./commands/role.ts') },
  { name: 'session', summary: 'logins of an account', load: () => import('./commands/session.ts') },
  { name: 'token', summary: 'revoke a token, or explain a refusal', load: () => import('./commands/token.ts') },
  { name: 'key', summary: 'signing keys, and MAC keys of refresh tokens', load: () => import('./commands/key.ts') },
  { name: 'audit', summary: 'who did what, and when', load: () => import('./commands/audit.ts') },
  { name: 'config', summary: 'look at the configuration', load: () => import('./commands/config.ts') },
  { name: 'migrate', summary: 'bring the database to this release', load: () => import('./commands/migrate.ts') },
];

/** The whole program, or as much of it as these words of a command line can mean. */
export async function createProgram(context: Context, words?: readonly string[]): Promise<Command> {
  const program = new Command('latchkey')
    .description('Token authentication that a team runs itself.')
    .option('--json', 'print JSON for programs')
    .option(
      '--credential <file>',
      `an administrator's credential (env ${CREDENTIAL_VARIABLE}, else ${SIGN_IN_FILE}, else ${CREDENTIAL_FILE})`,
    )
    .showHelpAfterError('(add --help for what there is)')
    .exitOverride()
    .configureHelp({ showGlobalOptions: true })
    .configureOutput({ writeOut: context.out, writeErr: (text) => context.say(text.trimEnd()) })
    .addHelpText('after', AFTER);
  for (const { name, summary, load } of NOUNS) {
    const command = program.command(name).description(summary).copyInheritedSettings(program);
    if (words === undefined || words.includes(name)) (await load()).register(command, context);
  }
  return program;
}

const AFTER = `
Examples:
  latchkey serve --dev                  run on this machine, to try it
  latchkey init && latchkey serve       run in production
  latchkey login                        sign in as an administrator
  latchkey account create ada           make an account; asks for the password
  latchkey token explain s1f2e3d4-a1    why was this refused?

Exit codes: 0 done, 1 fault, 2 usage, 3 refused, 4 not found, 5 server cannot be reached, 6 not authorised, 130 Ctrl-C`;

/** Runs one command line. Resolves with the exit code. */
export async function run(args: readonly string[], context: Context): Promise<ExitCode> {
  try {
    const program = await createProgram(context, args);
    await program.parseAsync([...args], { from: 'user' });
    return EXIT.ok;
  } catch (error) {
    return ending(error, context);
  }
}

function ending(error: unknown, { say }: Context): ExitCode {
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
  if (!(error instanceof Stop)) throw error;
  if (error.message !== '') say(printable(error.message));
  if (error.mend !== undefined) say(printable(error.mend));
  return error.exit;
}
