import { existsSync, rmSync } from 'node:fs';
import type { Command } from 'commander';
import { act } from '../action.ts';
import type { Context, GlobalOptions } from '../context.ts';
import { readCredential, signInFileOf, withLock } from '../credential.ts';
import { EXIT, Stop } from '../exit-codes.ts';
import { sendForm } from '../http.ts';
import { refusal } from '../refusal.ts';

/** `latchkey logout`: ends what `latchkey login` began, at the server and here. @spec RFC 7009 */
export function register(command: Command, context: Context): void {
  command.addHelpText(
    'after',
    `
Revokes the sign-in at the server, and removes its file. Where the server cannot be reached, the file stays.

Example:
  latchkey logout`,
  );
  act(command, context, async ({ output }) => {
    const file = signInFileOf(context, command.optsWithGlobals<GlobalOptions>().credential);
    if (!existsSync(file.path)) return output.done('Nobody is signed in here.', { signed_out: false });
    await withLock(context, file, async () => {
      const credential = readCredential(file);
      if (credential.kind === 'client')
        throw new Stop(EXIT.usage, `${file.shown} holds the secret of a client, and no sign-in.`, 'Leave it.');
      const { issuer, clientId, refreshToken } = credential;
      const fields = { token: refreshToken, token_type_hint: 'refresh_token', client_id: clientId };
      const { status, body } = await sendForm(context, `${issuer}/oauth/revoke`, fields);
      if (status !== 200) throw refusal(status, body);
      rmSync(file.path, { force: true });
    });
    output.done('You are signed out, and everything that was issued for it has ended.', { signed_out: true });
  });
}
