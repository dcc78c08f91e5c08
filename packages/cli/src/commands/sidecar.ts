import { parseForwardQuestion } from '@latchkey/protocol/forward-auth';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { many } from '../action.ts';
import type { Context, GlobalOptions } from '../context.ts';
import { parseWhole } from '../duration.ts';
import { EXIT, Stop } from '../exit-codes.ts';
import type { SidecarOptions } from '../sidecar/options.ts';
import { runSidecar } from '../sidecar/run.ts';

/** `latchkey sidecar`: the verifier as a process, for APIs behind a proxy. */
export function register(command: Command, context: Context): void {
  command
    .requiredOption('--issuer <url>', 'the server whose tokens are good')
    .option('--audience <name>', 'the aud of its tokens (default: as the credential file says)')
    .option('--listen <place>', 'address and port, or unix:/path', '127.0.0.1:9400')
    .option('--trust <address>', 'who may ask: an address or a network; may repeat (default: this machine)', many)
    .addOption(
      new Option('--on-stale <policy>', 'what to do while it is not known what was revoked')
        .choices(['introspect', 'reject', 'accept'])
        .default('introspect'),
    )
    .option('--max-staleness <seconds>', 'how old the knowledge of revocations may be', parseWhole, 10)
    .option('--max-accept <seconds>', 'for how long --on-stale accept accepts', parseWhole, 300)
    .option('--assertion-issuer <url>', 'the iss of its assertions (default: its own URL)', parseUrl)
    .option('--api-keys', 'take API keys, too: by default none are taken')
    .option('--api-key-header <name>', 'the header of API keys, beside Authorization: Bearer', parseHeader)
    .option(
      '--decryption-key-file <file>',
      'a private key of the API, where its tokens are encrypted; may repeat',
      many,
    )
    .option(
      '--shared-secret-file <file>',
      'kid and secret of the API, where its tokens are under HS256; may repeat',
      many,
    )
    .option('--name <name>', 'what its error ids begin with (default: made up)')
    .addHelpText(
      'after',
      `
--credential is the file of the resource, as latchkey resource create --json wrote it, and not an administrator's.
A proxy asks at /verify, or /verify/<id of the resource>; see docs/guides/gateway.md. Also /metrics, for
who may ask, and for all /healthz, /readyz and /.well-known/jwks.json, with the key of its assertions. It needs no
database, and no call per request.

A key or a secret is read from a file that nobody else can read. A key that is bound to networks counts where a proxy
says, in X-Forwarded-For, from where its client came; the addresses of --trust are believed.

Examples:
  (umask 077; latchkey resource create https://api.example.com --json > api.json)
  latchkey sidecar --issuer https://id.example.com --credential api.json
  latchkey sidecar --issuer https://id.example.com --credential api.json --listen unix:/run/latchkey/api.sock
  latchkey sidecar --issuer https://id.example.com --credential api.json --listen 10.0.0.5:9400 --trust 10.0.0.7
  latchkey sidecar --issuer https://id.example.com --credential api.json --api-keys --api-key-header X-Api-Key`,
    )
    .action((options: Omit<SidecarOptions, 'credential'>) => {
      if (options.apiKeyHeader !== undefined && options.apiKeys !== true)
        throw new Stop(EXIT.usage, 'A header of API keys is named, and no API keys are taken.', 'Add --api-keys.');
      const { credential } = command.optsWithGlobals<GlobalOptions>();
      if (credential === undefined)
        throw new Stop(EXIT.usage, 'There is no credential of a resource.', 'Name its file: --credential FILE');
      return runSidecar(context, { ...options, credential });
    });
}

function parseUrl(text: string): string {
  if (!URL.canParse(text)) throw new InvalidArgumentError('Write a URL.');
  return text;
}

/** A header as a question may name it. */
function parseHeader(text: string): string {
  const question = parseForwardQuestion(new URLSearchParams({ api_key_header: text }).toString());
  if (!question.ok || question.value.apiKeyHeader === undefined)
    throw new InvalidArgumentError('Write the name of a header of its own, such as X-Api-Key.');
  return question.value.apiKeyHeader;
}
