import { once } from 'node:events';
import { createServer as createHttpServer, type Server as HttpServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { getRequestListener } from '@hono/node-server';
import type { RunningServer } from './create-server.ts';
import { metricsAnswer } from './endpoints/metrics.ts';

/** Times in which a request must arrive. Slower ones are cut off by Node, with 408. */
const TRANSPORT = { headersTimeout: 10_000, requestTimeout: 30_000, keepAliveTimeout: 65_000, maxHeaderSize: 16_384 };

/** A port that somebody else has. */
export class PortInUse extends Error {
  override readonly name = 'PortInUse';
}

/** The open ports of a server. */
export interface Listening {
  readonly port: number;
  /** Takes no new connection, lets requests under way finish for so long, then closes what is left. */
  close(drainMilliseconds: number): Promise<void>;
}

/** Opens the port of the server, and that of its metrics where it has one. */
export async function listen({ server, app }: RunningServer): Promise<Listening> {
  const { host, port, metricsPort } = server.settings;
  const main = createHttpServer(
    TRANSPORT,
    getRequestListener(
      (request, env) =>
        app.handle(request, { remote: 'incoming' in env ? env.incoming.socket.remoteAddress : undefined }),
      { overrideGlobalObjects: false },
    ),
  );
  await open(main, host, port);
  const others: HttpServer[] = [];
  if (metricsPort !== undefined) {
    const metrics = createHttpServer(
      TRANSPORT,
      getRequestListener(() => metricsAnswer(server)),
    );
    await open(metrics, host, metricsPort);
    others.push(metrics);
  }
  const address = main.address() as AddressInfo;
  return {
    port: address.port,
    async close(drainMilliseconds) {
      await Promise.all([main, ...others].map((one) => closeGently(one, drainMilliseconds)));
    },
  };
}

async function open(http: HttpServer, host: string, port: number): Promise<void> {
  http.listen(port, host);
  try {
    await once(http, 'listening');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EADDRINUSE')
      throw new PortInUse(String(port), { cause: error });
    throw error;
  }
}

async function closeGently(http: HttpServer, milliseconds: number): Promise<void> {
  const closed = new Promise((resolve) => http.close(resolve));
  http.closeIdleConnections();
  const insist = setTimeout(() => http.closeAllConnections(), milliseconds);
  await closed;
  clearTimeout(insist);
}
