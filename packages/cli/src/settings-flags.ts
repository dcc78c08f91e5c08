import { flagOf } from '@latchkey/server/read-settings';
import { SETTINGS } from '@latchkey/server/settings';
import type { Command } from 'commander';

/** Gives a command a flag for every setting of the server, from the table of settings. */
export function addSettingsFlags(command: Command): Command {
  for (const [name, { doc, env, fallback }] of Object.entries(SETTINGS)) {
    const shown = shownOf(fallback);
    const otherwise = shown === undefined || shown === '' ? '' : `, default ${String(shown)}`;
    command.option(`${flagOf(name)} <value>`, `${doc} (env ${env}${otherwise})`);
  }
  return command;
}

/** A default as somebody would write it on the command line. */
const shownOf = (fallback: unknown): unknown => {
  if (!Array.isArray(fallback)) return fallback;
  return fallback.every((one) => typeof one === 'string') ? fallback.join(',') : JSON.stringify(fallback);
};

/** The settings among the options of a command. */
export const settingsIn = (options: Readonly<Record<string, unknown>>): Readonly<Record<string, string>> =>
  Object.fromEntries(
    Object.keys(SETTINGS)
      .map((name) => [name, options[name]] as const)
      .filter((entry): entry is readonly [string, string] => typeof entry[1] === 'string'),
  );
