import type { Command } from 'commander';
import { act } from '../action.ts';
import { itemsOf } from '../admin-client.ts';
import type { Context } from '../context.ts';
import { accountId } from '../find.ts';
import { column } from '../output.ts';

/** `latchkey role`: what accounts are at resources. */
export function register(command: Command, context: Context): void {
  command.addHelpText(
    'after',
    `
A role stands in the roles claim of the next access token for its resource. At the admin API the roles are admin,
operator, support and auditor; there they count at once.

Examples:
  latchkey role grant ada https://api.example.com editor
  latchkey role grant alice https://id.example.com/admin/api support
  latchkey role list ada`,
  );

  act(
    command.command('grant <account> <resource> <role>').description('grant a role at a resource'),
    context,
    async ({ output, admin }, _options, account = '', resource = '', role = '') => {
      const api = await admin();
      const row = await api.post(`/accounts/${await accountId(api, account)}/roles`, { resource, role });
      output.done(`${account} is ${role} at ${resource}, from the next access token on.`, row);
    },
  );

  act(
    command.command('revoke <account> <resource> <role>').description('take a role at a resource away'),
    context,
    async ({ output, admin }, _options, account = '', resource = '', role = '') => {
      const api = await admin();
      await api.delete(`/accounts/${await accountId(api, account)}/roles`, { resource, role });
      output.done(`${account} is ${role} at ${resource} no more, from the next access token on.`, { resource, role });
    },
  );

  act(
    command.command('list <account>').description('list the roles of an account'),
    context,
    async ({ output, admin }, _options, account = '') => {
      const api = await admin();
      const rows = itemsOf(await api.get(`/accounts/${await accountId(api, account)}/roles`));
      output.table(rows, [column('resource'), column('role')], `${account} has no roles.`);
    },
  );
}
