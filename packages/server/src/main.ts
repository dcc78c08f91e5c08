import { StoreUnavailable } from '@latchkey/domain/ports/store';
import { SchemaTooNew } from '@latchkey/store/migrate';
import { createServer, KekMismatch } from './create-server.ts';
import { FileUnusable } from './file-unusable.ts';
import { ensureAdministrator } from './initialise.ts';
import { listen, PortInUse } from './listen.ts';
import { type ConfigurationInput, loadConfiguration } from './load-configuration.ts';
import { createLog } from './observe/pino-log.ts';
import { flagOf, type SettingProblem } from './read-settings.ts';
import type { Server } from './server.ts';
import { issueSetUpLink } from './set-up-link.ts';
import { systemParts } from './system.ts';

/** Exit codes of `serve`. */
export const EXIT = { ok: 0, fault: 1, usage: 2 } as const;

/** With what `serve` talks to whoever started it. */
export interface ServeInput extends Omit<ConfigurationInput, 'makesKek'> {
  readonly dev: boolean;
  /** Whether development mode tells a link for the first administrator. */
  readonly tellsLink: boolean;
  readonly say: (line: string) => void;
}

/** All problems of a configuration, as lines to read. */
export const problemLines = (problems: readonly SettingProblem[]): readonly string[] =>
  problems.flatMap(({ setting, problem, mend }) => [`${setting} (${flagOf(setting)}): ${problem}`, `    ${mend}`]);

/** Runs the server until it is asked to stop. Resolves with the exit code. */
export async function serve({ dev, tellsLink, say, ...input }: ServeInput): Promise<number> {
  const flags = dev ? { ...input.flags, mode: 'development' } : input.flags;
  const configuration = loadConfiguration({ ...input, flags, makesKek: dev });
  if (!configuration.ok) {
    say('The server does not start with this configuration:');
    for (const line of problemLines(configuration.error)) say(`  ${line}`);
    return EXIT.usage;
  }
  const { settings, kek, metricsToken, smtpPassword, claimHookSecret, peppers, tls, credentialFile } =
    configuration.value;
  const log = createLog(settings.logLevel, process.stdout);
  try {
    const running = await createServer(settings, {
      kek,
      log,
      metricsToken,
      smtpPassword,
      claimHookSecret,
      peppers,
      ...systemParts(),
      onFault(error) {
        log.error('the database failed at a commit; the process ends', { error });
        process.exit(EXIT.fault);
      },
    });
    const stopped = untilAsked();
    if (dev) await ensureAdministrator(running.server, credentialFile);
    const listening = await listen(running, tls);
    log.info('listening', { issuer: settings.issuer, host: settings.host, port: listening.port, mode: settings.mode });
    if (dev && tellsLink) await tellLink(running.server, say);
    const signal = await stopped;
    log.info('stopping', { signal });
    running.drain();
    await listening.close(settings.drainSeconds * 1000);
    await running.close();
    log.info('stopped');
    return EXIT.ok;
  } catch (error) {
    const lines = startProblem(error);
    if (lines === undefined) throw error;
    for (const line of lines) say(line);
    return EXIT.fault;
  }
}

/** To the terminal and to no log: whoever has the link becomes an administrator. */
async function tellLink(server: Server, say: ServeInput['say']): Promise<void> {
  const link = await issueSetUpLink(server, false);
  if (link !== undefined)
    say(`Nobody is an administrator yet. This link makes you one, once, for an hour: ${link.url}`);
}

/** What whoever starts the server can mend. */
export function startProblem(error: unknown): readonly string[] | undefined {
  if (error instanceof PortInUse)
    return [`Port ${error.message} is in use. Choose another one: --port ${(Number(error.message) % 65_000) + 100}`];
  if (error instanceof KekMismatch)
    return [
      'The database was written under another key-encryption key, so none of its secrets open.',
      'Bring back the key that it was made with (--kek-file, LATCHKEY_KEK), or take another data folder (--data).',
    ];
  if (error instanceof SchemaTooNew)
    return [
      `The database cannot be used: ${error.message}.`,
      'Start that release, or take another data folder (--data).',
    ];
  if (error instanceof FileUnusable) return [error.message, error.mend];
  if (error instanceof StoreUnavailable) return [`The database cannot be opened: ${error.message}.`];
  return undefined;
}

/** Resolves at the first signal; a second one ends the process at once. */
function untilAsked(): Promise<string> {
  return new Promise((resolve) => {
    let asked = false;
    for (const signal of ['SIGINT', 'SIGTERM'] as const)
      process.on(signal, () => {
        if (asked) process.exit(130);
        asked = true;
        resolve(signal);
      });
  });
}
