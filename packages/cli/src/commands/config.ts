import { loadConfiguration } from '@latchkey/server/load-configuration';
import { problemLines } from '@latchkey/server/main';
import type { Command } from 'commander';
import type { Context, GlobalOptions } from '../context.ts';
import { EXIT, Stop } from '../exit-codes.ts';
import { outputOf } from '../output.ts';
import { addSettingsFlags, settingsIn } from '../settings-flags.ts';

/** `latchkey config`: what `serve` would make of flags, environment and file. */
export function register(command: Command, context: Context): void {
  const check = command.command('check').description('find every mistake of the configuration, and change nothing');
  addSettingsFlags(check)
    .addHelpText('after', '\nExample:\n  latchkey config check --issuer https://id.example.com')
    .action((options: Readonly<Record<string, unknown>>) => {
      const { json = false } = check.optsWithGlobals<GlobalOptions>();
      const { env, cwd } = context;
      const read = loadConfiguration({ flags: settingsIn(options), env, cwd, makesKek: false });
      const output = outputOf(context, json);
      if (read.ok) return output.record({ ...read.value.settings });
      if (json) output.record({ problems: read.error });
      else for (const line of problemLines(read.error)) context.say(line);
      const count = read.error.length;
      throw new Stop(EXIT.usage, json ? '' : `${count} ${count === 1 ? 'problem' : 'problems'}.`);
    });
}
