import { type Command, InvalidArgumentError, Option } from 'commander';
import { act, many } from '../action.ts';
import type { Admin } from '../admin-client.ts';
import type { Context } from '../context.ts';
import { parseDuration } from '../duration.ts';
import { accountId, findResource, segment } from '../find.ts';
import { column } from '../output.ts';
import { actUsage } from '../usage.ts';

interface TermOptions {
  readonly name?: string;
  readonly scope?: readonly string[];
  readonly network?: readonly string[];
  readonly tenant?: string;
  readonly quota?: Readonly<Record<string, unknown>>;
  readonly rate?: Readonly<Record<string, unknown>>;
  readonly note?: readonly string[];
  readonly expires?: number;
}

interface CreateOptions extends TermOptions {
  readonly owner: string;
  readonly resource: string;
  readonly env: string;
}

/** `latchkey api-key`: long-lived credentials of accounts and clients for one resource. */
export function register(command: Command, context: Context): void {
  command.addHelpText(
    'after',
    `
A key acts for its owner, an account or a client, at one resource. It is shown once. Verifiers check it by
themselves; a revoked one is refused everywhere at once.

Examples:
  latchkey api-key create --owner ada --resource https://api.example.com --name import --scope orders:read
  latchkey api-key create --owner cli_… --resource https://api.example.com --name ci --expires 30d \\
    --network 192.0.2.0/24 --quota 10000/day --rate 10/1s
  latchkey api-key list --owner ada
  latchkey api-key usage key_… --hours 24
  latchkey api-key set key_… --scope orders:read --network 192.0.2.7/32
  latchkey api-key rotate key_… --overlap 24h
  latchkey api-key revoke key_…`,
  );

  const create = withTerms(command.command('create').description('make a key, which is shown once'))
    .requiredOption('--owner <owner>', 'the account (id or name) or client (id) that it acts for')
    .requiredOption('--resource <resource>', 'the API that it is for')
    .addOption(new Option('--env <name>', 'what it is for').choices(['live', 'test']).default('live'));
  act<CreateOptions>(create, context, async ({ output, admin }, options) => {
    const api = await admin();
    const { identifier } = await findResource(api, options.resource);
    const owner = await ownerId(api, options.owner);
    const terms = { name: 'API key', ...termsOf(options) };
    output.record(await api.post('/api-keys', { owner, resource: identifier, environment: options.env, ...terms }));
  });

  const list = command
    .command('list')
    .description('list the keys of an owner or for a resource')
    .addOption(new Option('--owner <owner>', 'an account or a client').conflicts('resource'))
    .option('--resource <resource>', 'an API');
  act<{ readonly owner?: string; readonly resource?: string }>(list, context, async ({ output, admin }, options) => {
    const api = await admin();
    const query: Readonly<Record<string, string>> =
      options.owner === undefined
        ? { resource: String((await findResource(api, options.resource ?? '')).identifier) }
        : { owner: await ownerId(api, options.owner) };
    const columns = [
      column('id'),
      column('name'),
      column('owner'),
      column('resource'),
      column('scopes'),
      column('expires', 'expires_at'),
      column('last used', 'last_used_at'),
      column('ended', 'ended_at'),
    ];
    output.table(await api.all('/api-keys', query), columns, 'There are no keys.');
  });

  act(
    command.command('show <key>').description('show a key, without its secret'),
    context,
    async ({ output, admin }, _options, id = '') => output.record(await (await admin()).get(pathOf(id))),
  );

  const usage = command.command('usage <key>').description('how often a key was used, as a chart');
  actUsage(usage, context, async (_api, id) => `${pathOf(id)}/usage`);

  act<TermOptions>(
    withTerms(command.command('set <key>').description('change what a key may do, as far as options are given')),
    context,
    async ({ output, admin }, options, id = '') =>
      output.record(await (await admin()).patch(pathOf(id), termsOf(options))),
  );

  const rotate = command
    .command('rotate <key>')
    .description('give a key a new secret, which is shown once')
    .option('--overlap <time>', 'how long the old one stays good: 0, 15m, 24h, 7d', parseDuration, 86_400);
  act<{ readonly overlap: number }>(rotate, context, async ({ output, admin }, { overlap }, id = '') => {
    output.record(await (await admin()).post(`${pathOf(id)}/rotate`, { overlap_seconds: overlap }));
  });

  act(
    command.command('revoke <key>').description('end a key for good, everywhere at once'),
    context,
    async ({ output, admin }, _options, id = '') => {
      await (await admin()).delete(pathOf(id));
      output.done(`${id} is revoked.`, { id });
    },
  );
}

const pathOf = (id: string): string => `/api-keys/${segment(id)}`;

/** An account by its id or name, or a client by its id. */
const ownerId = async (api: Admin, name: string): Promise<string> =>
  name.startsWith('cli_') ? name : decodeURIComponent(await accountId(api, name));

const withTerms = (command: Command): Command =>
  command
    .option('--name <name>', 'what people call it')
    .option('--scope <name>', 'a scope that it has; may repeat', many)
    .option('--network <cidr>', 'from where it may be used; may repeat', many)
    .option('--tenant <name>', 'the organisation that it acts in')
    .option('--quota <uses>', 'how often in each period: 1000/day, or hour, or month', parseQuota)
    .option('--rate <uses>', 'how often in a time: 10/1s', parseRate)
    .option('--note <name=text>', 'something to remember of it; may repeat', many)
    .option('--expires <time>', 'in how long it ends: 24h, 90d', parseDuration);

function parseQuota(text: string): Readonly<Record<string, unknown>> {
  const [, uses, period] = /^([1-9]\d{0,9})\/(hour|day|month)$/.exec(text) ?? [];
  if (uses === undefined) throw new InvalidArgumentError('Write 1000/hour, 1000/day or 1000/month.');
  return { uses: Number(uses), period };
}

function parseRate(text: string): Readonly<Record<string, unknown>> {
  const [, limit, time = ''] = /^([1-9]\d{0,9})\/(\d+[smhd])$/.exec(text) ?? [];
  if (limit === undefined) throw new InvalidArgumentError('Write 10/1s or 600/1m.');
  return { limit: Number(limit), seconds: parseDuration(time) };
}

/** The fields of the admin API for the options that were given. */
const termsOf = (options: TermOptions): Record<string, unknown> => ({
  ...(options.name === undefined ? {} : { name: options.name }),
  ...(options.scope === undefined ? {} : { scopes: options.scope }),
  ...(options.network === undefined ? {} : { networks: options.network }),
  ...(options.tenant === undefined ? {} : { tenant: options.tenant }),
  ...(options.quota === undefined ? {} : { quota: options.quota }),
  ...(options.rate === undefined ? {} : { rate: options.rate }),
  ...(options.note === undefined ? {} : { metadata: notesOf(options.note) }),
  ...(options.expires === undefined ? {} : { expires_in: options.expires }),
});

const notesOf = (notes: readonly string[]): Readonly<Record<string, string>> =>
  Object.fromEntries(
    notes.map((note) => {
      const at = note.indexOf('=');
      return at < 0 ? [note, ''] : [note.slice(0, at), note.slice(at + 1)];
    }),
  );
