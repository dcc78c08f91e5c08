import { serve } from '@latchkey/server/main';
import type { Command } from 'commander';
import type { Context } from '../context.ts';
import { EXIT, Stop } from '../exit-codes.ts';
import { addSettingsFlags, settingsIn } from '../settings-flags.ts';

/** `latchkey serve`: the server itself. */
export function register(command: Command, { env, cwd, say }: Context): void {
  addSettingsFlags(command)
    .option('--dev', 'development mode: this machine only, plain http, an open feed, keys and administrator made')
    .option('--no-admin-link', 'with --dev: print no link for the first administrator')
    .addHelpText(
      'after',
      `
Settings come from flags, the environment and latchkey.config.json, in this order.

Examples:
  latchkey serve --dev --port 8400
  latchkey serve --issuer https://id.example.com --trusted-proxies 127.0.0.1`,
    )
    .action(async (options: Readonly<Record<string, unknown>>) => {
      const code = await serve({
        flags: settingsIn(options),
        dev: options.dev === true,
        tellsLink: options.adminLink !== false,
        env,
        cwd,
        say,
      });
      if (code !== EXIT.ok) throw new Stop(code === EXIT.usage ? EXIT.usage : EXIT.fault, '');
    });
}
