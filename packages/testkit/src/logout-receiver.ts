import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A logout token as it came in, and where. */
export interface ReceivedLogout {
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
  readonly fields: URLSearchParams;
}

/** What a receiver does with the next request; by default it answers 200. */
export type Answering = (request: IncomingMessage, response: ServerResponse) => void;

/** The server of a client, on loopback, that is told of logouts. */
export interface LogoutReceiver {
  readonly origin: string;
  readonly received: readonly ReceivedLogout[];
  /** Connections that were made, whatever came of them. */
  readonly connections: () => number;
  /** From now on it answers so. */
  answer(how: Answering): void;
  close(): void;
}

export async function startLogoutReceiver(): Promise<LogoutReceiver> {
  const received: ReceivedLogout[] = [];
  let connections = 0;
  let answering: Answering = (_, response) => void response.end();
  const server = createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8').on('data', (chunk: string) => {
      body += chunk;
    });
    request.on('end', () => {
      const { url: path = '', headers } = request;
      received.push({ path, headers, fields: new URLSearchParams(body) });
      answering(request, response);
    });
  });
  server.on('connection', () => {
    connections += 1;
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    received,
    connections: () => connections,
    answer(how) {
      answering = how;
    },
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}
