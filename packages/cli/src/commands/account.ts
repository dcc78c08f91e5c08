import type { Command } from 'commander';
import { act } from '../action.ts';
import type { Context } from '../context.ts';
import { accountId } from '../find.ts';
import { column } from '../output.ts';
import { readSecret } from '../secret-input.ts';
import { registerMetadata } from './account-metadata.ts';

interface PasswordOptions {
  readonly passwordFile?: string;
  readonly password?: boolean;
}

const PASSWORD_FILE = ['--password-file <file>', 'read the password from a file instead of asking'] as const;

/** `latchkey account`: people who sign in. */
export function register(command: Command, context: Context): void {
  command.addHelpText(
    'after',
    `
An account is named by its id or by any of its identifiers. Passwords come from a prompt, from --password-file, or on
standard input; never from the command line.

Examples:
  latchkey account create ada ada@example.com
  latchkey account password ada --password-file new-password
  latchkey account disable ada`,
  );

  const create = command
    .command('create <identifier...>')
    .description('make an account with one identifier or more (user names, e-mail addresses)')
    .option(...PASSWORD_FILE)
    .option('--no-password', 'make it without a password; nobody can sign in until it has one');
  act<PasswordOptions>(create, context, async ({ output, admin }, { passwordFile, password }) => {
    const identifiers = create.args;
    const secret =
      password === false ? undefined : await readSecret(context, { what: 'password', file: passwordFile, isNew: true });
    const api = await admin();
    const body = { identifiers, ...(secret === undefined ? {} : { password: secret }) };
    output.record(await api.post('/accounts', body));
  });

  act(command.command('list').description('list all accounts'), context, async ({ output, admin }) => {
    const rows = await (await admin()).all('/accounts');
    const state = { title: 'state', of: (row: (typeof rows)[number]) => (row.disabled_at ? 'disabled' : 'enabled') };
    output.table(rows, [column('id'), column('identifiers'), state, column('created at')], 'There are no accounts.');
  });

  for (const [name, done, what] of [
    ['disable', 'disabled', 'disable an account; all of its sessions and tokens end'],
    ['enable', 'enabled', 'enable an account again; what has ended stays ended'],
  ] as const)
    act(
      command.command(`${name} <account>`).description(what),
      context,
      async ({ output, admin }, _options, account = '') => {
        const api = await admin();
        const row = await api.post(`/accounts/${await accountId(api, account)}/${name}`);
        output.done(`${account} is ${done}.`, row);
      },
    );

  const password = command
    .command('password <account>')
    .description('set a new password; all of its sessions and tokens end')
    .option(...PASSWORD_FILE);
  act<PasswordOptions>(password, context, async ({ output, admin }, { passwordFile }, account = '') => {
    const secret = await readSecret(context, { what: 'new password', file: passwordFile, isNew: true });
    const api = await admin();
    const row = await api.post(`/accounts/${await accountId(api, account)}/password`, { password: secret });
    output.done(`${account} has a new password, and has to sign in again everywhere.`, row);
  });

  registerMetadata(command, context);
}
