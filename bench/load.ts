import { Agent, type IncomingHttpHeaders, request } from 'node:http';

/** A request of a load, made anew from what was answered before. */
export interface Turn {
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Undefined for a GET; a POST otherwise. */
  readonly body: string | undefined;
  /** What a good answer has; 200 by default. */
  readonly status?: number;
  /** True when the next request belongs to it: the two are counted, and timed, as one. */
  readonly goesOn?: boolean;
}

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** One user of the server. What was answered may decide what it sends next, in this load or the one after. */
export interface User {
  next(): Turn;
  answered(answer: Answer): void;
}

/** A user who does the same thing over and over. */
export const repeating = (next: () => Turn): User => ({ next, answered() {} });

export interface LoadResult {
  readonly requests: number;
  readonly seconds: number;
  /** Milliseconds of each request. */
  readonly latencies: readonly number[];
  readonly failures: number;
  /** Status and body of the first that failed. */
  readonly firstFailure: string | undefined;
}

/** Lets the users send one request after another for so long; each waits for its answer first, and may pause. */
export async function load(
  port: number,
  users: readonly User[],
  seconds: number,
  pauseMilliseconds = 0,
): Promise<LoadResult> {
  const agent = new Agent({ keepAlive: true, maxSockets: users.length });
  const latencies: number[] = [];
  let failures = 0;
  let firstFailure: string | undefined;
  const started = performance.now();
  const until = started + seconds * 1000;
  await Promise.all(
    users.map(async (user) => {
      while (performance.now() < until) {
        const begun = performance.now();
        for (let isWhole = false; !isWhole; ) {
          const turn = user.next();
          const answer = await send(agent, port, turn);
          const isGood = answer.status === (turn.status ?? 200);
          if (isGood) user.answered(answer);
          else firstFailure ??= `${answer.status} ${answer.headers.location ?? ''} ${answer.body}`;
          if (!isGood) failures += 1;
          isWhole = !isGood || turn.goesOn !== true;
        }
        latencies.push(performance.now() - begun);
        if (pauseMilliseconds > 0) await new Promise((resolve) => setTimeout(resolve, pauseMilliseconds));
      }
    }),
  );
  agent.destroy();
  return {
    requests: latencies.length,
    seconds: (performance.now() - started) / 1000,
    latencies,
    failures,
    firstFailure,
  };
}

export function send(agent: Agent, port: number, { path, headers, body }: Turn): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const options =
      body === undefined
        ? { method: 'GET', headers }
        : { method: 'POST', headers: { ...headers, 'content-length': String(Buffer.byteLength(body)) } };
    const sent = request({ host: '127.0.0.1', port, path, agent, ...options }, (answer) => {
      const chunks: Buffer[] = [];
      answer.on('data', (chunk: Buffer) => chunks.push(chunk));
      answer.on('end', () =>
        resolve({
          status: answer.statusCode ?? 0,
          headers: answer.headers,
          body: Buffer.concat(chunks).toString(),
        }),
      );
    });
    sent.on('error', reject);
    sent.end(body);
  });
}
