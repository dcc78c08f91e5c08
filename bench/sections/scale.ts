// (h) A thousand connected verifiers, and a hundred revocations a second.
import { start } from '../processes.ts';
import { quantile } from '../statistics.ts';
import { FORM, type Latchkey, mintTokens } from '../subjects/latchkey.ts';

const IS_TRIAL = process.env.LATCHKEY_BENCH_TRIAL === '1';
/** Streams of one credential have a limit; so the verifiers are those of several APIs. */
const APIS = IS_TRIAL ? 2 : 8;
const VERIFIERS_EACH = IS_TRIAL ? 10 : 125;
const PROCESSES = 2;
const A_SECOND = 100;
const SECONDS = IS_TRIAL ? 2 : 20;

export interface ScaleFigures {
  readonly verifiers: number;
  readonly aSecond: number;
  readonly samples: number;
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
  /** Share of one core that the server took meanwhile, and when nothing is revoked. */
  readonly cpu: number;
  readonly cpuIdle: number;
}

export async function measureScale(latchkey: Latchkey): Promise<ScaleFigures> {
  const file = new URL('./many-verifiers.ts', import.meta.url).pathname;
  const apis = await Promise.all(Array.from({ length: APIS }, () => latchkey.api('jwt')));
  const share = Math.ceil(APIS / PROCESSES);
  const watchers = await Promise.all(
    Array.from({ length: PROCESSES }, (_, index) =>
      start(
        file,
        [latchkey.issuer, String(VERIFIERS_EACH), JSON.stringify(apis.slice(index * share, (index + 1) * share))],
        { NODE_OPTIONS: '--conditions=@latchkey/source' },
      ),
    ),
  );
  const count = A_SECOND * SECONDS;
  const machines = await Promise.all(Array.from({ length: 25 }, () => latchkey.machine()));
  const each = Math.ceil(count / machines.length);
  const tokens = await Promise.all(machines.map((machine) => mintTokens(latchkey.issuer, machine, each)));

  const seen = new Map<string, bigint>();
  for (const { child } of watchers)
    child.on('message', (told: unknown) => {
      for (const [jti, time] of told as readonly (readonly [string, string])[]) {
        const at = BigInt(time);
        if (at > (seen.get(jti) ?? 0n)) seen.set(jti, at);
      }
    });

  const idle = latchkey.process.cpuSeconds();
  await pause(3_000);
  const cpuIdle = (latchkey.process.cpuSeconds() - idle) / 3;
  const before = latchkey.process.cpuSeconds();
  const begun = performance.now();
  const acknowledged = new Map<string, bigint>();
  const waiting: Promise<void>[] = [];
  for (let sample = 0; sample < count; sample++) {
    const due = begun + (sample * 1_000) / A_SECOND;
    if (due > performance.now()) await pause(due - performance.now());
    const machine = machines[sample % machines.length] ?? '';
    const token = tokens[sample % machines.length]?.[Math.floor(sample / machines.length)] ?? '';
    waiting.push(
      (async () => {
        const body = new URLSearchParams({ token }).toString();
        const headers = { authorization: machine, 'content-type': FORM };
        const answer = await fetch(`${latchkey.issuer}/oauth/revoke`, { method: 'POST', headers, body });
        acknowledged.set(jtiOf(token), process.hrtime.bigint());
        if (answer.status !== 200) throw new Error(`a revocation was answered ${answer.status}`);
        await answer.arrayBuffer();
      })(),
    );
  }
  await Promise.all(waiting);
  const took = (performance.now() - begun) / 1000;
  const cpu = (latchkey.process.cpuSeconds() - before) / took;
  for (let tries = 0; tries < 100 && seen.size < count; tries++) await pause(100);
  await pause(1_000);
  await Promise.all(watchers.map((watcher) => watcher.stop()));
  const delays = [...acknowledged].map(([jti, at]) => {
    const last = seen.get(jti);
    if (last === undefined) throw new Error('a revocation did not reach the verifiers');
    return Math.max(0, Number(last - at) / 1e6);
  });
  return {
    verifiers: APIS * VERIFIERS_EACH,
    aSecond: A_SECOND,
    samples: delays.length,
    p50: quantile(delays, 0.5),
    p99: quantile(delays, 0.99),
    max: Math.max(...delays),
    cpu,
    cpuIdle,
  };
}

const pause = (milliseconds: number) => new Promise<void>((resolve) => void setTimeout(resolve, milliseconds));
const jtiOf = (token: string): string =>
  (JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as { jti: string }).jti;
