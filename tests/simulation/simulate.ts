import { parseArgs } from 'node:util';
import { type History, runHistory } from './history.ts';
import { reportOf } from './report.ts';

const HELP = `Runs simulated histories: a server, verifiers, people, a thief and bad weather, all from one seed.

Usage: npm run simulate -- [--histories <number>] [--seed <number>] [--trace]

  --histories <number>  how many histories, with seeds that follow one another (1000)
  --seed <number>       the first seed (1)
  --trace               print what happens in each history
  --help                print this text

Exit code 0 when nothing is violated, 1 at the first violation, 2 for wrong usage.`;

const options = {
  histories: { type: 'string', default: '1000' },
  seed: { type: 'string', default: '1' },
  trace: { type: 'boolean', default: false },
  help: { type: 'boolean', default: false },
} as const;

/** Where the command writes. */
export interface Output {
  out(text: string): void;
  error(text: string): void;
  /** Shows how far it is, where somebody looks. */
  progress(done: number, histories: number): void;
}

function read(args: readonly string[]) {
  try {
    const { values } = parseArgs({ args: [...args], options });
    const [histories, seed] = [Number(values.histories), Number(values.seed)];
    const areNumbers = Number.isSafeInteger(histories) && histories > 0 && Number.isSafeInteger(seed) && seed >= 0;
    return areNumbers ? { ...values, histories, seed } : undefined;
  } catch {
    return undefined; // an option that there is not
  }
}

/** The command `npm run simulate`. Resolves with its exit code. */
export async function simulate(
  args: readonly string[],
  { out, error, progress }: Output,
  run: (seed: number) => Promise<History> = runHistory,
): Promise<number> {
  const asked = read(args);
  if (asked === undefined) {
    error(HELP);
    return 2;
  }
  const { histories, seed, trace, help } = asked;
  if (help) {
    out(HELP);
    return 0;
  }
  for (let done = 0; done < histories; done++) {
    const history = await run(seed + done);
    if (history.violation !== undefined) {
      error(reportOf(history));
      return 1;
    }
    if (trace) out([`seed ${history.seed}`, ...history.trace].join('\n'));
    progress(done + 1, histories);
  }
  out(`${histories} histories from seed ${seed}: nothing is violated.`);
  return 0;
}
