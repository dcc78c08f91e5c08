import { type Command, InvalidArgumentError, Option } from 'commander';
import { parseWhole } from '../duration.ts';

/** What the tokens of a resource say, as it was typed. */
export interface ClaimOptions {
  readonly claim?: Readonly<Record<string, string>>;
  /** False where `--no-claims` stands. */
  readonly claims?: boolean;
  readonly permission?: Readonly<Record<string, readonly string[]>>;
  readonly permissions?: boolean;
  readonly allowEmailClaim?: 'yes' | 'no';
  readonly accessTokenBytes?: number;
}

/** The options for what tokens of a resource say. */
export const withClaimOptions = (command: Command): Command =>
  command
    .option(
      '--claim <claim=entry>',
      'a claim from the metadata of the account, in the place of all; may repeat',
      claims,
    )
    .option('--no-claims', 'no claims from metadata any more')
    .option('--permission <role=a,b>', 'what a role may do, in the place of all; may repeat', permissions)
    .option('--no-permissions', 'no permissions any more')
    .addOption(
      new Option(
        '--allow-email-claim <yes|no>',
        'whether tokens that anybody can read may say an e-mail address',
      ).choices(['yes', 'no']),
    )
    .option('--access-token-bytes <bytes>', 'the largest access token that is made for it', parseWhole);

/** The fields of the admin API for the options that were given. */
export const claimFieldsOf = (options: ClaimOptions): Record<string, unknown> => ({
  ...(options.claims === false ? { claims: [] } : {}),
  ...(options.claim === undefined
    ? {}
    : { claims: Object.entries(options.claim).map(([claim, from]) => ({ claim, from })) }),
  ...(options.permissions === false ? { permissions: {} } : {}),
  ...(options.permission === undefined ? {} : { permissions: options.permission }),
  ...(options.allowEmailClaim === undefined ? {} : { allow_email_claim: options.allowEmailClaim === 'yes' }),
  ...(options.accessTokenBytes === undefined ? {} : { access_token_bytes: options.accessTokenBytes }),
});

const claims = (text: string, before: Readonly<Record<string, string>> = {}): Readonly<Record<string, string>> => {
  const [name, value] = pair(text);
  return { ...before, [name]: value };
};

const permissions = (
  text: string,
  before: Readonly<Record<string, readonly string[]>> = {},
): Readonly<Record<string, readonly string[]>> => {
  const [role, value] = pair(text);
  return { ...before, [role]: value.split(',') };
};

/** Names of claims may be URIs, those of entries and permissions have no `=`. */
function pair(text: string): readonly [string, string] {
  const [, name, value] = /^([^=]+)=([^=]+)$/.exec(text) ?? [];
  if (name === undefined || value === undefined) throw new InvalidArgumentError('Write name=value.');
  return [name, value];
}
