import { SIGNING_ALGORITHMS } from '@latchkey/protocol/jwk';
import { type Command, Option } from 'commander';
import { act } from '../action.ts';
import type { Context } from '../context.ts';
import { EXIT, Stop } from '../exit-codes.ts';
import { segment } from '../find.ts';
import { column, type Json } from '../output.ts';

/** `latchkey key`: signing keys, and MAC keys of refresh tokens. */
export function register(command: Command, context: Context): void {
  command.addHelpText(
    'after',
    `
Rotation is automatic; these are for other occasions. Revoke a key that somebody else may have: what it made is refused
everywhere at once.

Examples:
  latchkey key list
  latchkey key rotate --algorithm ES256
  latchkey key revoke 3kX... --all
  latchkey key revoke --mac 1               ends every refresh token made under it`,
  );

  act(command.command('list').description('list all keys'), context, async ({ output, admin, isJson }) => {
    const { signing, mac } = await (await admin()).get('/keys');
    if (isJson) return output.record({ signing, mac });
    const rows = (value: unknown): readonly Json[] => (Array.isArray(value) ? value : []);
    const columns = [column('kid'), column('algorithm'), column('state'), column('since')];
    output.table(rows(signing), columns, 'There are no signing keys.');
    context.out('\n');
    output.table(rows(mac), [column('mac key', 'id'), column('state'), column('created at')], 'There are no MAC keys.');
  });

  const rotate = command
    .command('rotate')
    .description('let the next key take over')
    .addOption(new Option('--algorithm <name>', 'of the signing keys').choices(SIGNING_ALGORITHMS).default('ES256'))
    .option('--mac', 'the MAC key of refresh tokens instead');
  act<{ readonly algorithm: string; readonly mac?: boolean }>(
    rotate,
    context,
    async ({ output, admin }, { algorithm, mac }) => {
      const api = await admin();
      const row = mac === true ? await api.post('/mac-keys/rotate') : await api.post('/keys/rotate', { algorithm });
      output.done(`The current key is ${String(row.current)}.`, row);
    },
  );

  const revoke = command
    .command('revoke [kid]')
    .description('revoke a key; what it made is refused everywhere at once')
    .option('--all', 'the current and the published next key go too')
    .option('--mac <id>', 'a MAC key of refresh tokens instead: every family under it ends');
  act<{ readonly all?: boolean; readonly mac?: string }>(
    revoke,
    context,
    async ({ output, admin }, { all = false, mac }, kid) => {
      if ((kid === undefined) === (mac === undefined))
        throw new Stop(EXIT.usage, 'Name one key: a kid, or --mac and its number.', 'Try latchkey key list');
      const api = await admin();
      const row =
        mac === undefined
          ? await api.post(`/keys/${segment(kid ?? '')}/revoke`, { all })
          : await api.post(`/mac-keys/${segment(mac)}/revoke`);
      const families = mac === undefined ? '' : ` ${String(row.families_ended)} families have ended.`;
      output.done(`The key is revoked.${families} The current key is ${String(row.current)}.`, row);
    },
  );
}
