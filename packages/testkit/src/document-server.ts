import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A web server on loopback that serves what a test wants, and counts who comes. */
export interface DocumentServer {
  readonly origin: string;
  readonly requests: readonly string[];
  readonly connections: () => number;
  close(): void;
}

export async function startDocumentServer(
  documents: Readonly<Record<string, (response: ServerResponse) => void>>,
): Promise<DocumentServer> {
  const requests: string[] = [];
  let connections = 0;
  const server = createServer(({ method, url = '' }, response) => {
    requests.push(`${method} ${url}`);
    const document = documents[url];
    if (document === undefined) response.writeHead(404).end();
    else document(response);
  });
  server.on('connection', () => {
    connections += 1;
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    connections: () => connections,
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}
