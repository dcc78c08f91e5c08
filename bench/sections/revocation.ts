// (c) From the acknowledgement of a revocation to the first refusal by the last verifier, in other processes.
import { once } from 'node:events';
import { start } from '../processes.ts';
import { quantile } from '../statistics.ts';
import { FORM, type Latchkey, mintTokens } from '../subjects/latchkey.ts';

const SAMPLES = 1_000;
/** Revocations of one client have a limit; so many clients take turns. */
const CLIENTS = 12;

export interface RevocationFigures {
  readonly verifiers: number;
  readonly samples: number;
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

/** @param shape how many verifiers in each process */
export async function measureRevocation(latchkey: Latchkey, shape: readonly number[]): Promise<RevocationFigures> {
  const { issuer, audience, resource } = latchkey;
  const file = new URL('./verifiers.ts', import.meta.url).pathname;
  const watchers = await Promise.all(
    shape.map((count) =>
      start(file, [issuer, audience, resource.id, resource.secret, String(count)], {
        NODE_OPTIONS: '--conditions=@latchkey/source',
      }),
    ),
  );
  const machines = await Promise.all(Array.from({ length: CLIENTS }, () => latchkey.machine()));
  const tokens = await Promise.all(
    machines.map((machine) => mintTokens(issuer, machine, Math.ceil(SAMPLES / CLIENTS))),
  );
  const delays: number[] = [];
  for (let sample = 0; sample < SAMPLES; sample++) {
    const machine = machines[sample % CLIENTS] ?? '';
    const token = tokens[sample % CLIENTS]?.[Math.floor(sample / CLIENTS)] ?? '';
    const watching = watchers.map(({ child }) => once(child, 'message'));
    for (const { child } of watchers) child.send(token);
    await Promise.all(watching);
    const refusals = watchers.map(({ child }) => once(child, 'message'));
    const answer = await fetch(`${issuer}/oauth/revoke`, {
      method: 'POST',
      headers: { authorization: machine, 'content-type': FORM },
      body: new URLSearchParams({ token }).toString(),
    });
    const acknowledged = process.hrtime.bigint();
    if (answer.status !== 200) throw new Error(`a revocation was answered ${answer.status}`);
    await answer.arrayBuffer();
    const times = (await Promise.all(refusals)).map(([time]) => BigInt(String(time)));
    const last = times.reduce((a, b) => (a > b ? a : b));
    delays.push(Math.max(0, Number(last - acknowledged) / 1e6));
  }
  await Promise.all(watchers.map((watcher) => watcher.stop()));
  const count = shape.reduce((a, b) => a + b, 0);
  return {
    verifiers: count,
    samples: delays.length,
    p50: quantile(delays, 0.5),
    p99: quantile(delays, 0.99),
    max: Math.max(...delays),
  };
}
