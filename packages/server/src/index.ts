import type { IncomingMessage, ServerResponse } from 'node:http';
import { getRequestListener } from '@hono/node-server';
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response';
import { createServer } from './create-server.ts';
import { type Configuration, loadConfiguration } from './load-configuration.ts';
import { problemLines } from './main.ts';
import { createLog } from './observe/pino-log.ts';
import { systemParts } from './system.ts';

/** How Latchkey runs inside another application: by the same settings as `latchkey serve`. */
export interface LatchkeyOptions {
  /** Settings by their names in docs/reference/settings.md. */
  readonly settings: Readonly<Record<string, string>>;
  /** Where settings come from beside these; by default nowhere. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** The folder that relative paths start from. */
  readonly cwd?: string;
  /** Where log lines go; by default nowhere. */
  readonly log?: { write(line: string): void };
  /** Called when what is on disk is unknown after a failed commit; by default the process ends. */
  readonly onFault?: (error: Error) => void;
}

/** A server inside another application. */
export interface Latchkey {
  /** Answers requests under the issuer's path; undefined for any other. */
  fetch(request: Request, remote?: string): Promise<Response | undefined>;
  /** The same for Node http, Express and Connect: calls `next` for what is none of ours. */
  node(request: IncomingMessage, response: ServerResponse, next: (error?: unknown) => void): void;
  close(): Promise<void>;
}

/** Thrown with every mistake of a configuration, each with its mend. */
export class ConfigurationWrong extends Error {
  override readonly name = 'ConfigurationWrong';
}

/**
 * Makes a server that another application mounts at the path of its issuer.
 *
 * @throws ConfigurationWrong
 */
export async function createLatchkey(options: LatchkeyOptions): Promise<Latchkey> {
  const { settings, kek, metricsToken, smtpPassword, claimHookSecret, peppers } = configured(options);
  const running = await createServer(settings, {
    kek,
    metricsToken,
    smtpPassword,
    claimHookSecret,
    peppers,
    log: createLog(options.log === undefined ? 'silent' : settings.logLevel, options.log ?? { write: () => {} }),
    ...systemParts(),
    onFault: options.onFault ?? (() => process.exit(1)),
  });
  const { app } = running;
  return {
    fetch: (request, remote) => app.handleOwn(request, { remote }),
    node(request, response, next) {
      const { url } = request;
      const whole = wholeUrl(request);
      const listener = getRequestListener(
        async (webRequest) => {
          const transport = { remote: request.socket.remoteAddress, target: whole };
          const answer = await app.handleOwn(webRequest, transport);
          if (answer !== undefined) return answer;
          if (url !== undefined) request.url = url;
          next();
          return RESPONSE_ALREADY_SENT;
        },
        { overrideGlobalObjects: false },
      );
      request.url = whole;
      listener(request, response).catch(next);
    },
    close: () => running.close(),
  };
}

function configured({ settings, env = {}, cwd = process.cwd() }: LatchkeyOptions): Configuration {
  const makesKek = settings.mode === 'development';
  const configuration = loadConfiguration({ flags: settings, env, cwd, makesKek });
  if (configuration.ok) return configuration.value;
  throw new ConfigurationWrong(['The configuration is wrong:', ...problemLines(configuration.error)].join('\n  '));
}

/** Express takes the path that a router is mounted at off the URL, and keeps the whole in `originalUrl`. */
function wholeUrl(request: IncomingMessage): string {
  const whole = 'originalUrl' in request ? request.originalUrl : request.url;
  return typeof whole === 'string' ? whole : '/';
}
