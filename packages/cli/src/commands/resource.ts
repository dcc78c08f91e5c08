import { RESOURCE_ALGORITHMS } from '@latchkey/protocol/jwk';
import { type Command, Option } from 'commander';
import { act, many } from '../action.ts';
import type { Context } from '../context.ts';
import { parseDuration, parseWhole } from '../duration.ts';
import { findResource, segment } from '../find.ts';
import { column } from '../output.ts';
import { parseSwitch } from '../switch.ts';
import { actUsage } from '../usage.ts';
import { type ClaimOptions, claimFieldsOf, withClaimOptions } from './resource-claims.ts';
import { readPublicJwk, registerEncryptionKey } from './resource-encryption-key.ts';

interface CreateOptions extends ClaimOptions {
  readonly name?: string;
  readonly audience?: string;
  readonly scope?: readonly string[];
  readonly algorithm: string;
  readonly tokenType: string;
  readonly accessTokenSeconds?: number;
  readonly format: string;
  readonly encryptionKeyFile?: string;
  readonly statusList?: boolean;
}

const FORMATS = ['jwt', 'jwe', 'opaque'];
const FORMAT =
  'what its tokens are: signed (jwt), encrypted too (jwe), or without meaning and explained by the server (opaque)';
const KEY_FILE = 'the public key that its tokens are encrypted to, as JWK: see latchkey resource encryption-key';

/** `latchkey resource`: APIs that tokens are for. */
export function register(command: Command, context: Context): void {
  command.addHelpText(
    'after',
    `
The id and secret of a resource are the credentials of its verifiers:
  createVerifier({ issuer, audience, credentials: { id, secret } })

Example:
  latchkey resource create https://api.example.com --scope orders:read --scope orders:write
  latchkey resource set https://api.example.com --claim plan=plan --permission clerk=orders:read,orders:write`,
  );

  const create = command
    .command('create <identifier>')
    .description('make a resource and the credential of its verifiers, which is shown once')
    .option('--name <name>', 'what people call it (default: the identifier)')
    .option('--audience <name>', 'the aud of its tokens, when it is not the identifier')
    .option('--scope <name>', 'a scope that it knows; may repeat', many)
    .addOption(
      new Option('--algorithm <name>', 'how its tokens are signed').choices(RESOURCE_ALGORITHMS).default('ES256'),
    )
    .addOption(new Option('--token-type <typ>', 'the typ of its tokens').choices(['at+jwt', 'JWT']).default('at+jwt'))
    .option('--access-token-seconds <seconds>', 'how long its tokens live', parseWhole)
    .addOption(new Option('--format <format>', FORMAT).choices(FORMATS).default('jwt'))
    .option('--encryption-key-file <file>', KEY_FILE)
    .option('--status-list <on|off>', 'whether its tokens have a place in a status list', parseSwitch);
  act<CreateOptions>(
    withClaimOptions(create),
    context,
    async ({ context: { cwd }, output, admin }, options, identifier = '') => {
      const key = encryptionKeyOf(cwd, options);
      const api = await admin();
      output.record(
        await api.post('/resources', {
          identifier,
          name: options.name ?? identifier.slice(0, 200),
          scopes: options.scope ?? [],
          algorithm: options.algorithm,
          token_type: options.tokenType,
          format: options.format,
          ...key,
          ...(options.audience === undefined ? {} : { audience: options.audience }),
          ...(options.accessTokenSeconds === undefined ? {} : { access_token_seconds: options.accessTokenSeconds }),
          ...claimFieldsOf(options),
          ...(options.statusList === undefined ? {} : { status_list: options.statusList }),
        }),
      );
    },
  );

  const set = command
    .command('set <resource>')
    .description('change a resource, as far as options are given')
    .option('--name <name>', 'what people call it')
    .option('--scope <name>', 'a scope that it knows, in the place of all it knew; may repeat', many)
    .addOption(new Option('--algorithm <name>', 'how its tokens are signed').choices(RESOURCE_ALGORITHMS))
    .addOption(new Option('--token-type <typ>', 'the typ of its tokens').choices(['at+jwt', 'JWT']))
    .option('--access-token-seconds <seconds>', 'how long its tokens live', parseWhole)
    .addOption(new Option('--format <format>', FORMAT).choices(FORMATS))
    .option('--encryption-key-file <file>', KEY_FILE)
    .option('--status-list <on|off>', 'whether its tokens have a place in a status list', parseSwitch);
  act<Partial<CreateOptions>>(
    withClaimOptions(set),
    context,
    async ({ context: { cwd }, output, admin }, options, name = '') => {
      const changes = { ...changesOf(options), ...encryptionKeyOf(cwd, options) };
      const api = await admin();
      const { id } = await findResource(api, name);
      output.record(await api.patch(`/resources/${segment(String(id))}`, changes));
    },
  );

  act(command.command('list').description('list all resources'), context, async ({ output, admin }) => {
    const columns = [
      column('id'),
      column('identifier'),
      column('name'),
      column('scopes'),
      column('algorithm'),
      column('seconds', 'access_token_seconds'),
    ];
    output.table(await (await admin()).all('/resources'), columns, 'There are no resources.');
  });

  registerEncryptionKey(command, context);

  const usage = command.command('usage <resource>').description('how often API keys were used there, as a chart');
  actUsage(usage, context, async (api, name) => {
    const { id } = await findResource(api, name);
    return `/resources/${segment(String(id))}/usage`;
  });

  const rotate = command
    .command('rotate-secret <resource>')
    .description('make a new credential for its verifiers, which is shown once')
    .option('--overlap <time>', 'how long the old one stays good: 0, 15m, 24h, 7d', parseDuration, 0);
  act<{ readonly overlap: number }>(rotate, context, async ({ output, admin }, { overlap }, name = '') => {
    const api = await admin();
    const { id } = await findResource(api, name);
    output.record(await api.post(`/resources/${segment(String(id))}/secrets`, { overlap_seconds: overlap }));
  });

  const shared = command
    .command('rotate-shared-secret <resource>')
    .description('make a new secret for its tokens under HS256, which is shown once')
    .option('--delay <time>', 'how long the old one signs on: 0, 15m, 24h', parseDuration, 3_600)
    .option('--revoke-others', 'the old ones are refused everywhere at once: somebody else may have them');
  act<{ readonly delay: number; readonly revokeOthers?: boolean }>(
    shared,
    context,
    async ({ output, admin }, { delay, revokeOthers = false }, name = '') => {
      const api = await admin();
      const { id } = await findResource(api, name);
      const asked = { delay_seconds: delay, revoke_others: revokeOthers };
      output.record(await api.post(`/resources/${segment(String(id))}/shared-secrets`, asked));
    },
  );
}

/** The field of the admin API for a key in a file. Whether it is one for encryption, the server says. */
const encryptionKeyOf = (cwd: string, { encryptionKeyFile: file }: Partial<CreateOptions>) =>
  file === undefined ? {} : { encryption_key: readPublicJwk(cwd, file) };

/** The fields of the admin API for the options that were given. */
const changesOf = (options: Partial<CreateOptions>): Record<string, unknown> => ({
  ...(options.name === undefined ? {} : { name: options.name }),
  ...(options.scope === undefined ? {} : { scopes: options.scope }),
  ...(options.algorithm === undefined ? {} : { algorithm: options.algorithm }),
  ...(options.tokenType === undefined ? {} : { token_type: options.tokenType }),
  ...(options.accessTokenSeconds === undefined ? {} : { access_token_seconds: options.accessTokenSeconds }),
  ...(options.format === undefined ? {} : { format: options.format }),
  ...claimFieldsOf(options),
  ...(options.statusList === undefined ? {} : { status_list: options.statusList }),
});
