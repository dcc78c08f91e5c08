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
    .addHelpText(
      'after',
      `
Makes the data folder, the file with the key-encryption key, and an administrator's credential beside it (or where
--credential says), each readable by you only. What is there already stays. The server must not run meanwhile.

Example:
  latchkey init --issuer https://id.example.com --trusted-proxies 127.0.0.1`,
    )
    .action(async (options: Readonly<Record<string, unknown>>) => {
      const { json = false, credential } = command.optsWithGlobals<GlobalOptions>();
      const configuration = configurationOf(context, options, true);
      const file = credential === undefined ? configuration.credentialFile : resolve(context.cwd, credential);
      const { clientId, isNew } = await onDatabase(context, () => initialise(configuration, file));
      const { issuer, data, kekFile } = configuration.settings;
      const output = outputOf(context, json);
      output.record({ issuer, data, kek_file: kekFile, credential: file, client_id: clientId, is_new: isNew });
      if (!json)
        context.say('Keep the key-encryption key safe, and apart from copies of the data. Next: latchkey serve');
    });
}
