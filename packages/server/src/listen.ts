import { once } from 'node:events';
import {
  createServer as createHttpServer,
  type Server as HttpServer,
  type RequestListener,
  STATUS_CODES,
} from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { getRequestListener } from '@hono/node-server';
import { errorRow } from '@latchkey/protocol/errors';
import type { RunningServer } from './create-server.ts';
import { metricsAnswer } from './endpoints/metrics.ts';
import type { Log } from './observe/log.ts';
import { followTls, readTls, TLS_VERSION_MIN, type TlsFiles } from './tls.ts';

/** Times in which a request must arrive. Slower ones are cut off by Node, with 408. */
const TRANSPORT = { headersTimeout: 10_000, requestTimeout: 30_000, keepAliveTimeout: 65_000, maxHeaderSize: 16_384 };

/** How often a server that stops looks for connections that have become idle. */
const CLOSE_IDLE_MILLISECONDS = 50;

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

/** Opens the port of the server, with TLS where it has a certificate, and that of its metrics where it has one. */
export async function listen({ server, app }: RunningServer, tls?: TlsFiles): Promise<Listening> {
  const { host, port, metricsPort } = server.settings;
  const { main, unfollow } = mainServer(
    tls,
    server.log,
    getRequestListener(
      async (request, env) => {
        const transport =
          'incoming' in env ? { remote: env.incoming.socket.remoteAddress, target: env.incoming.url } : {};
        const response = await app.handle(request, transport);
        // the next request of this connection would find nobody, or hold up the stop
        if (server.isDraining()) response.headers.set('connection', 'close');
        return response;
      },
      // the process is ours: its Request and Response may be the light ones of the adapter, at half the price a request
      { overrideGlobalObjects: true },
    ),
  );
  main.on('clientError', refuseUnreadable);
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
      unfollow();
      await Promise.all([main, ...others].map((one) => closeGently(one, drainMilliseconds)));
    },
  };
}

/** The server of the main port. A certificate that is renewed while it runs is taken up for new connections. */
function mainServer(tls: TlsFiles | undefined, log: Log, listener: RequestListener) {
  if (tls === undefined) return { main: createHttpServer(TRANSPORT, listener), unfollow: () => {} };
  const options = { ...readTls(tls), minVersion: TLS_VERSION_MIN } as const;
  const main = createHttpsServer({ ...TRANSPORT, ...options }, listener);
  const take = (pair: ReturnType<typeof readTls>) => main.setSecureContext({ ...options, ...pair });
  return { main, unfollow: followTls(tls, log, take) };
}

/** A request that Node could not read: it has no route, and gets the answer of the catalogue all the same. */
function refuseUnreadable(error: Error, socket: Duplex): void {
  if (!socket.writable) return void socket.destroy();
  const isTooLarge = 'code' in error && error.code === 'HPE_HEADER_OVERFLOW';
  const row = errorRow(isTooLarge ? 'headers_too_large' : 'body_malformed');
  const body = JSON.stringify({ error: row.code, error_description: row.description });
  const head = `HTTP/1.1 ${row.status} ${STATUS_CODES[row.status] ?? ''}\r\ncontent-type: application/json\r\ncache-control: no-store\r\ncontent-length: ${body.length}\r\nconnection: close\r\n\r\n`;
  socket.end(head + body);
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
  // a connection whose answer or stream ends only now is idle from then on, and nobody else would close it
  const again = setInterval(() => http.closeIdleConnections(), CLOSE_IDLE_MILLISECONDS);
  const insist = setTimeout(() => http.closeAllConnections(), milliseconds);
  await closed;
  clearInterval(again);
  clearTimeout(insist);
}
