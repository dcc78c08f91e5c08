import type { Command } from 'commander';
import { act } from '../action.ts';
import { itemsOf } from '../admin-client.ts';
import type { Context } from '../context.ts';
import { accountId, segment } from '../find.ts';
import { column } from '../output.ts';

/** `latchkey session`: logins of an account. */
export function register(command: Command, context: Context): void {
  command.addHelpText('after', '\nExamples:\n  latchkey session list ada\n  latchkey session revoke ses_01...');

  act(
    command.command('list <account>').description('list the live sessions of an account'),
    context,
    async ({ output, admin }, _options, account = '') => {
      const api = await admin();
      const rows = itemsOf(await api.get(`/accounts/${await accountId(api, account)}/sessions`));
      const columns = [
        column('id'),
        column('authenticated at'),
        column('last seen at'),
        column('address'),
        column('user agent'),
      ];
      output.table(rows, columns, `${account} has no live session.`);
    },
  );

  act(
    command.command('revoke <session>').description('end a session and every token that was issued in it'),
    context,
    async ({ output, admin }, _options, id = '') => {
      const api = await admin();
      await api.delete(`/sessions/${segment(id)}`);
      output.done(`${id} has ended.`, { id });
    },
  );
}
