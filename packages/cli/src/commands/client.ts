import { SIGNING_ALGORITHMS } from '@latchkey/protocol/jwk';
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
  readonly redirectUri?: readonly string[];
  readonly postLogoutRedirectUri?: readonly string[];
  readonly backchannelLogoutUri?: string;
  readonly backchannelLogoutSession?: boolean;
  readonly pairwise?: boolean;
  readonly sectorIdentifierUri?: string;
  readonly native?: boolean;
  /** False when `--no-pkce` is given. */
  readonly pkce: boolean;
  readonly idTokenAlg?: string;
  readonly scopeClaimsInIdToken?: boolean;
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
  latchkey client create "Partner shop" --redirect-uri https://partner.example.com/callback \\
    --scope openid --scope profile --scope orders:read --resource https://api.example.com
  latchkey client create "Phone app" --auth none --native --redirect-uri com.example.app:/callback \\
    --scope openid --scope offline_access
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
    .option(
      '--grant <type>',
      'authorization_code, refresh_token or client_credentials; may repeat (default: what fits the rest)',
      many,
    )
    .option('--scope <name>', 'a scope that it may ask for; may repeat', many)
    .option('--resource <identifier>', 'a resource that it may ask for; may repeat, the first is its default', many)
    .option('--origin <origin>', 'an origin of its pages; may repeat', many)
    .option('--first-party', 'it is our own, and may ask people for their password')
    .option('--redirect-uri <uri>', 'where answers of the sign-in pages may go, to the letter; may repeat', many)
    .option('--post-logout-redirect-uri <uri>', 'where a browser may go after a logout; may repeat', many)
    .option('--backchannel-logout-uri <uri>', 'where its server is told that a session has ended')
    .option('--backchannel-logout-session', 'what it is told must name the session')
    .option('--pairwise', 'it knows people by names that mean nothing elsewhere')
    .option(
      '--sector-identifier-uri <uri>',
      'with --pairwise: lists its redirect URIs, where they have more than one host',
    )
    .option('--native', 'it is installed on a device, and may have a scheme of its own as redirect URI')
    .option('--no-pkce', 'it cannot do PKCE (confidential clients only)')
    .addOption(
      new Option('--id-token-alg <algorithm>', 'how its ID tokens are signed (default: RS256)').choices(
        SIGNING_ALGORITHMS,
      ),
    )
    .option('--scope-claims-in-id-token', 'its ID tokens say what UserInfo says, too')
    .option('--keep-refresh-tokens', 'a refresh keeps the refresh token (confidential clients only)')
    .option('--overlap-ms <milliseconds>', 'how long a spent refresh token may be repeated', parseWhole);
  act<CreateOptions>(create, context, async ({ output, admin }, options, name = '') => {
    const api = await admin();
    output.record(
      await api.post('/clients', {
        name,
        authentication: options.auth,
        first_party: options.firstParty === true,
        grant_types: options.grant ?? grantsFor(options),
        scopes: options.scope ?? [],
        resources: options.resource ?? [],
        origins: options.origin ?? [],
        application_type: options.native === true ? 'native' : 'web',
        redirect_uris: options.redirectUri ?? [],
        post_logout_redirect_uris: options.postLogoutRedirectUri ?? [],
        ...(options.backchannelLogoutUri === undefined ? {} : { backchannel_logout_uri: options.backchannelLogoutUri }),
        backchannel_logout_session_required: options.backchannelLogoutSession === true,
        subject_type: options.pairwise === true ? 'pairwise' : 'public',
        ...(options.sectorIdentifierUri === undefined ? {} : { sector_identifier_uri: options.sectorIdentifierUri }),
        require_pkce: options.pkce,
        scope_claims_in_id_token: options.scopeClaimsInIdToken === true,
        ...(options.idTokenAlg === undefined ? {} : { id_token_alg: options.idTokenAlg }),
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

/** What a client is most likely for, when nobody says it. */
function grantsFor({ auth, redirectUri }: CreateOptions): readonly string[] {
  if (redirectUri !== undefined) return ['authorization_code', 'refresh_token'];
  return [auth === 'none' ? 'refresh_token' : 'client_credentials'];
}
