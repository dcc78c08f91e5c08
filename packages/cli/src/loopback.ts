import { timingSafeEqual } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { COMMAND_LINE } from '@latchkey/protocol/command-line';
import type { Context } from './context.ts';
import { EXIT, Stop } from './exit-codes.ts';

/** A port of this machine that waits for the one answer of an authorization request. @spec RFC 8252 §7.3, §8.3 */
export interface Loopback {
  readonly redirectUri: string;
  /** The code of the answer, which must bring this state and come from this issuer. */
  code(state: string, issuer: string, seconds: number): Promise<string>;
  close(): void;
}

const { hostname, pathname } = new URL(COMMAND_LINE.redirectUri);

/** Opens a port that only this machine can reach. */
export function openLoopback({ signal }: Context): Promise<Loopback> {
  const answered = Promise.withResolvers<URLSearchParams>();
  const listening = Promise.withResolvers<Loopback>();
  const server = createServer((request, response) => {
    const answer = answerIn(request, redirectUri());
    if (answer === undefined) return tell(response, 404, 'There is nothing here.');
    tell(response, 200, 'You can close this page, and go back to the terminal.');
    answered.resolve(answer);
  });
  const redirectUri = (): string => {
    const address = server.address();
    return `http://${hostname}:${typeof address === 'object' ? address?.port : ''}${pathname}`;
  };
  server.once('error', (error) => listening.reject(error));
  server.listen(0, hostname, () => {
    listening.resolve({
      redirectUri: redirectUri(),
      async code(state, issuer, seconds) {
        return codeIn(await within(seconds, answered.promise, signal), state, issuer);
      },
      close() {
        server.close();
        server.closeAllConnections();
      },
    });
  });
  return listening.promise;
}

/** What a request brings, if it is one to the redirect URI, by the very address that was given out. */
function answerIn({ method, url = '', headers }: IncomingMessage, redirectUri: string): URLSearchParams | undefined {
  const wanted = new URL(redirectUri);
  if (method !== 'GET' || headers.host !== wanted.host) return undefined;
  const asked = URL.parse(url, redirectUri);
  return asked?.pathname === wanted.pathname ? asked.searchParams : undefined;
}

function tell(response: ServerResponse, status: number, text: string): void {
  response
    .writeHead(status, {
      'content-type': 'text/plain; charset=utf-8',
      'cache-control': 'no-store',
      'referrer-policy': 'no-referrer',
      connection: 'close',
    })
    .end(`${text}\n`);
}

async function within<T>(seconds: number, promise: Promise<T>, signal: AbortSignal): Promise<T> {
  const over = Promise.withResolvers<never>();
  const timer = setTimeout(
    () => over.reject(new Stop(EXIT.refused, 'Nobody signed in in time.', 'Run latchkey login again.')),
    seconds * 1000,
  );
  const interrupt = () => over.reject(new Stop(EXIT.interrupted, 'Interrupted.'));
  signal.addEventListener('abort', interrupt, { once: true });
  if (signal.aborted) interrupt();
  try {
    return await Promise.race([promise, over.promise]);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', interrupt);
  }
}

/** @spec RFC 6749 §4.1.2, §10.12 (`state`); RFC 9207 §2.4 (`iss`) */
function codeIn(answer: URLSearchParams, state: string, issuer: string): string {
  const [given, wanted] = [Buffer.from(answer.get('state') ?? ''), Buffer.from(state)];
  if (given.length !== wanted.length || !timingSafeEqual(given, wanted))
    throw foreign('The answer in the browser does not belong to this sign-in (state).');
  if (answer.get('iss') !== issuer) throw foreign('The answer in the browser comes from another server (iss).');
  const error = answer.get('error');
  if (error !== null)
    throw new Stop(
      EXIT.refused,
      `${answer.get('error_description') ?? 'The sign-in was refused.'} (${error})`,
      error === 'access_denied' ? 'Allow it on the page, as somebody who has a role at the admin API.' : undefined,
    );
  const code = answer.get('code');
  if (code === null) throw foreign('The answer in the browser holds no code.');
  return code;
}

const foreign = (message: string): Stop =>
  new Stop(EXIT.refused, message, 'Nothing was signed in. Run latchkey login again, and open its link only.');
