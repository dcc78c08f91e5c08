import { migrateDatabase } from '@latchkey/server/set-up';
import type { Command } from 'commander';
import { configurationOf, onDatabase } from '../configuration.ts';
import type { Context, GlobalOptions } from '../context.ts';
import { EXIT, Stop } from '../exit-codes.ts';
import { outputOf } from '../output.ts';
import { addSettingsFlags } from '../settings-flags.ts';

/** `latchkey migrate`: the schema of this release, without starting the server. */
export function register(command: Command, context: Context): void {
  addSettingsFlags(command)
    .addHelpText(
      'after',
      '\nEach start of the server does this too. The server must not run meanwhile.\n\nExample:\n  latchkey migrate --data /var/lib/latchkey',
    )
    .action(async (options: Readonly<Record<string, unknown>>) => {
      const { json = false } = command.optsWithGlobals<GlobalOptions>();
      const configuration = configurationOf(context, options, false);
      const database = await onDatabase(context, () => migrateDatabase(configuration));
      if (database === undefined)
        throw new Stop(EXIT.notFound, `There is no database in ${configuration.settings.data}.`, 'Run latchkey init.');
      outputOf(context, json).done(`${database} has the schema of this release.`, { database, schema: 'current' });
    });
}
