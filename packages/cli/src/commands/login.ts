import { createHash, randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { COMMAND_LINE } from '@latchkey/protocol/command-line';
import type { Command } from 'commander';
import { act, many } from '../action.ts';
import type { Context, GlobalOptions } from '../context.ts';
import {
  type CredentialFile,
  credentialFileOf,
  readCredential,
  signInFileOf,
  withLock,
  writeSignIn,
} from '../credential.ts';
import { parseDuration } from '../duration.ts';
import { EXIT, Stop } from '../exit-codes.ts';
import { said, sendForm } from '../http.ts';
import { openLoopback } from '../loopback.ts';
import { refusal } from '../refusal.ts';

interface LoginOptions {
  readonly issuer?: string;
  readonly scope?: readonly string[];
  readonly timeout: number;
}

const ISSUER_VARIABLE = 'LATCHKEY_ISSUER';

/** `latchkey login`: a person signs the command line in, through the pages. @spec RFC 8252 */
export function register(command: Command, context: Context): void {
  command
    .option('--issuer <url>', `the server (env ${ISSUER_VARIABLE}, else that of the credential file)`)
    .option('--scope <name>', 'a scope of the admin API; may repeat (default: all that your roles give)', many)
    .option('--timeout <time>', 'how long to wait for the browser: 90s, 15m', parseDuration, 600)
    .addHelpText(
      'after',
      `
Prints a link to open in a browser on this machine, waits for the sign-in there, and keeps it in .latchkey/login.json
(or where --credential says), readable by you only. From then on every command acts in your name. What you may do is
what your roles at the admin API give: latchkey role grant. The sign-in ends with your session in that browser, or with
latchkey logout.

Example:
  latchkey login --issuer https://id.example.com`,
    );
  act<LoginOptions>(command, context, async ({ output }, options) => {
    const { credential } = command.optsWithGlobals<GlobalOptions>();
    const file = signInFileOf(context, credential);
    expectNoSecretIn(file);
    const issuer = issuerOf(context, options, credential);
    const scope = await signIn(context, file, issuer, options);
    output.done(`You are signed in at ${issuer}. You may: ${scope}`, { issuer, scope, credential: file.path });
  });
}

/** The secret of a machine stands nowhere else: it is never written over. */
function expectNoSecretIn(file: CredentialFile): void {
  if (!existsSync(file.path) || readCredential(file).kind === 'sign_in') return;
  throw new Stop(EXIT.usage, `${file.shown} holds the secret of a client.`, 'Name another file: --credential FILE');
}

function issuerOf(context: Context, { issuer }: LoginOptions, credential: string | undefined): string {
  const named = issuer ?? context.env[ISSUER_VARIABLE];
  if (named === undefined) {
    const file = credentialFileOf(context, credential);
    if (existsSync(file.path)) return readCredential(file).issuer;
    throw new Stop(EXIT.usage, 'Which server is meant?', `Name it: --issuer URL, or ${ISSUER_VARIABLE}.`);
  }
  const url = URL.parse(named);
  const isLocal = url !== null && ['localhost', '127.0.0.1', '[::1]'].includes(url.hostname);
  if (url !== null && (url.protocol === 'https:' || (url.protocol === 'http:' && isLocal)))
    return named.replace(/\/$/, '');
  throw new Stop(EXIT.usage, 'The issuer is no https URL.', 'Write it as in the metadata: https://id.example.com');
}

/** Signs in, and keeps the refresh token. Says what is allowed. @spec RFC 7636 §4; RFC 9700 §2.1.1 */
async function signIn(
  context: Context,
  file: CredentialFile,
  issuer: string,
  { scope, timeout }: LoginOptions,
): Promise<string> {
  const random = () => randomBytes(32).toString('base64url');
  const [state, verifier] = [random(), random()];
  const loopback = await openLoopback(context);
  const { redirectUri } = loopback;
  const { clientId } = COMMAND_LINE;
  const resource = `${issuer}/admin/api`;
  try {
    const asked = new URLSearchParams({
      response_type: 'code',
      client_id: clientId,
      redirect_uri: redirectUri,
      resource,
      state,
      code_challenge: createHash('sha256').update(verifier).digest('base64url'),
      code_challenge_method: 'S256',
      prompt: 'select_account',
      ...(scope === undefined ? {} : { scope: scope.join(' ') }),
    });
    context.say('Open this link in a browser on this machine, and sign in there:');
    context.say(`${issuer}/oauth/authorize?${asked.toString()}`);
    const code = await loopback.code(state, issuer, timeout);
    const { status, body } = await sendForm(context, `${issuer}/oauth/token`, {
      grant_type: 'authorization_code',
      client_id: clientId,
      redirect_uri: redirectUri,
      code,
      code_verifier: verifier,
      resource,
    });
    if (status === 429 || status >= 500) throw refusal(status, body);
    if (status !== 200 || typeof body.refresh_token !== 'string')
      throw new Stop(EXIT.refused, `The server did not take the sign-in${said(body)}.`, 'Run latchkey login again.');
    const kept = { kind: 'sign_in', issuer, clientId, refreshToken: body.refresh_token, attemptId: undefined } as const;
    await withLock(context, file, () => Promise.resolve(writeSignIn(file, kept)));
    return String(body.scope);
  } finally {
    loopback.close();
  }
}
