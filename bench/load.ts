import { Agent, request } from 'node:http';

/** A request of a load, made anew for each turn from what the turn before answered. */
export interface Turn {
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** One user of the server. What was answered may decide what it sends next, in this load or the one after. */
export interface User {
  next(): Turn;
  answered(body: string): void;
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
        const answer = await send(agent, port, user.next());
        latencies.push(performance.now() - begun);
        if (answer.status !== 200) {
          failures += 1;
          firstFailure ??= `${answer.status} ${answer.body}`;
        } else user.answered(answer.body);
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

export function send(agent: Agent, port: number, turn: Turn): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    const headers = { ...turn.headers, 'content-length': String(Buffer.byteLength(turn.body)) };
    const sent = request({ host: '127.0.0.1', port, path: turn.path, method: 'POST', headers, agent }, (answer) => {
      const chunks: Buffer[] = [];
      answer.on('data', (chunk: Buffer) => chunks.push(chunk));
      answer.on('end', () => resolve({ status: answer.statusCode ?? 0, body: Buffer.concat(chunks).toString() }));
    });
    sent.on('error', reject);
    sent.end(turn.body);
  });
}
