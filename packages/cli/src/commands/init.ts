import { resolve } from 'node:path';
import { initialise } from '@latchkey/server/set-up';
import type { Command } from 'commander';
import { configurationOf, onDatabase } from '../configuration.ts';
import type { Context, GlobalOptions } from '../context.ts';
import { outputOf } from '../output.ts';
import { addSettingsFlags } from '../settings-flags.ts';

/** `latchkey init`: everything that a deployment begins with. */
export function register(command: Command, context: Context): void {
  addSettingsFlags(command)
    .option('--new-admin-link', 'make a link for one more administrator, though somebody is one already')
    .addHelpText(
      'after',
      `
Makes the data folder, the file with the key-encryption key, and an administrator's credential beside it (or where
--credential says), each readable by you only. What is there already stays. The server must not run meanwhile.

While nobody is an administrator, it prints a link that makes whoever opens it one: once, and for an hour. A new link
ends the one before. Start the server, and open it.

Example:
  latchkey init --issuer https://id.example.com --trusted-proxies 127.0.0.1
  latchkey init --issuer https://id.example.com --new-admin-link`,
    )
    .action(async (options: Readonly<Record<string, unknown>>) => {
      const { json = false, credential } = command.optsWithGlobals<GlobalOptions>();
      const configuration = configurationOf(context, options, true);
      const file = credential === undefined ? configuration.credentialFile : resolve(context.cwd, credential);
      const isAnother = options.newAdminLink === true;
      const { clientId, isNew, link } = await onDatabase(context, () => initialise(configuration, file, isAnother));
      const { issuer, data, kekFile } = configuration.settings;
      const output = outputOf(context, json);
      output.record({
        issuer,
        data,
        kek_file: kekFile,
        credential: file,
        client_id: clientId,
        is_new: isNew,
        ...(link === undefined
          ? {}
          : { administrator_link: link.url, administrator_link_expires_at: new Date(link.expiresAt).toISOString() }),
      });
      if (!json)
        context.say('Keep the key-encryption key safe, and apart from copies of the data. Next: latchkey serve');
      if (!json && link !== undefined)
        context.say('Then open the link: it makes you an administrator, once, and for an hour.');
    });
}
