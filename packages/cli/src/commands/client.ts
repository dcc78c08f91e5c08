import { type Command, Option } from 'commander';
import { act, many } from '../action.ts';
import type { Context } from '../context.ts';
import { parseDuration, parseWhole } from '../duration.ts';
import { segment } from '../find.ts';
import { column } from '../output.ts';

interface CreateOptions {
  readonly auth: string;
  readonly grant?: readonly string[];
  readonly scope?: readonly string[];
  readonly resource?: readonly string[];
  readonly origin?: readonly string[];
  readonly firstParty?: boolean;
  readonly keepRefreshTokens?: boolean;
  readonly overlapMs?: number;
}

/** `latchkey client`: applications that obtain tokens. */
export function register(command: Command, context: Context): void {
  command.addHelpText(
    'after',
    `
Examples:
  latchkey client create "Web shop" --auth none --first-party --grant refresh_token \\
    --resource https://api.example.com --scope orders:read --origin https://shop.example.com
  latchkey client create "Nightly job" --grant client_credentials \\
    --resource https://api.example.com --scope orders:read
  latchkey client rotate-secret cli_01... --overlap 24h`,
  );

  const create = command
    .command('create <name>')
    .description('make a client; a confidential one gets a secret, which is shown once')
    .addOption(
      new Option('--auth <method>', 'how it proves itself; none makes it public')
        .choices(['none', 'client_secret_basic', 'client_secret_post'])
        .default('client_secret_basic'),
    )
    .option('--grant <type>', 'client_credentials or refresh_token; may repeat (default: what fits --auth)', many)
    .option('--scope <name>', 'a scope that it may ask for; may repeat', many)
    .option('--resource <identifier>', 'a resource that it may ask for; may repeat, the first is its default', many)
    .option('--origin <origin>', 'an origin of its pages; may repeat', many)
    .option('--first-party', 'it is our own, and may ask people for their password')
    .option('--keep-refresh-tokens', 'a refresh keeps the refresh token (confidential clients only)')
    .option('--overlap-ms <milliseconds>', 'how long a spent refresh token may be repeated', parseWhole);
  act<CreateOptions>(create, context, async ({ output, admin }, options, name = '') => {
    const api = await admin();
    output.record(
      await api.post('/clients', {
        name,
        authentication: options.auth,
        first_party: options.firstParty === true,
        grant_types: options.grant ?? [options.auth === 'none' ? 'refresh_token' : 'client_credentials'],
        scopes: options.scope ?? [],
        resources: options.resource ?? [],
        origins: options.origin ?? [],
        refresh_policy: options.keepRefreshTokens === true ? 'keep' : 'rotate',
        ...(options.overlapMs === undefined ? {} : { overlap_ms: options.overlapMs }),
      }),
    );
  });

  act(command.command('list').description('list all clients'), context, async ({ output, admin }) => {
    const columns = [
      column('client id'),
      column('name'),
      column('authentication'),
      column('first party'),
      column('scopes'),
      column('resources'),
    ];
    output.table(await (await admin()).all('/clients'), columns, 'There are no clients.');
  });

  const rotate = command
    .command('rotate-secret <client-id>')
    .description('make a new secret, which is shown once')
    .option('--overlap <time>', 'how long the old one stays good: 0, 15m, 24h, 7d', parseDuration, 0);
  act<{ readonly overlap: number }>(rotate, context, async ({ output, admin }, { overlap }, id = '') => {
    const api = await admin();
    output.record(await api.post(`/clients/${segment(id)}/secrets`, { overlap_seconds: overlap }));
  });

  act(
    command.command('delete <client-id>').description('delete a client; everything issued to it ends'),
    context,
    async ({ output, admin }, _options, id = '') => {
      const api = await admin();
      await api.delete(`/clients/${segment(id)}`);
      output.done(`${id} is deleted, and everything that was issued to it has ended.`, { client_id: id });
    },
  );
}
