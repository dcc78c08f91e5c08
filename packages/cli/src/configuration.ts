import { type Configuration, loadConfiguration } from '@latchkey/server/load-configuration';
import { problemLines, startProblem } from '@latchkey/server/main';
import type { Context } from './context.ts';
import { EXIT, Stop } from './exit-codes.ts';
import { settingsIn } from './settings-flags.ts';

/** The configuration of a command that works on the database itself, or all problems of it. */
export function configurationOf(
  { env, cwd, say }: Context,
  options: Readonly<Record<string, unknown>>,
  makesKek: boolean,
): Configuration {
  const read = loadConfiguration({ flags: settingsIn(options), env, cwd, makesKek });
  if (read.ok) return read.value;
  for (const line of problemLines(read.error)) say(line);
  throw new Stop(EXIT.usage, 'Nothing was done.');
}

/** Runs work on the database; what whoever runs the command can mend is told as such. */
export async function onDatabase<T>({ say }: Context, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const lines = startProblem(error);
    if (lines === undefined) throw error;
    for (const line of lines) say(line);
    throw new Stop(EXIT.fault, 'Does a server run on this data folder? Only one process may open it.');
  }
}
