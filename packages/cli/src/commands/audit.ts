import { setTimeout } from 'node:timers/promises';
import type { Command } from 'commander';
import { act } from '../action.ts';
import { type Admin, itemsOf } from '../admin-client.ts';
import type { Context } from '../context.ts';
import { parseWhole } from '../duration.ts';
import { type Json, shown } from '../output.ts';

interface TailOptions {
  readonly lines: number;
  readonly about?: string;
  readonly follow?: boolean;
}

const POLL_MILLISECONDS = 1_000;
const PAGE = 200;

/** `latchkey audit`: who did what, and when. */
export function register(command: Command, context: Context): void {
  command.addHelpText('after', '\nExamples:\n  latchkey audit tail --follow\n  latchkey audit tail --about acc_01...');

  const tail = command
    .command('tail')
    .description('print the newest rows of the audit log, the newest last')
    .option('-n, --lines <count>', 'how many', parseWhole, 20)
    .option('--about <id>', 'only rows that name this id')
    .option('-f, --follow', 'go on with what happens, until Ctrl-C');
  act<TailOptions>(tail, context, async ({ output, admin }, { lines, about, follow }) => {
    const api = await admin();
    const print = (rows: readonly Json[]) => {
      for (const row of rows.toReversed()) output.line(row, lineOf(row));
    };
    const newest = await rowsBelow(api, lines, 0, about);
    print(newest);
    if (follow !== true) return;
    let last = Number(newest[0]?.id ?? 0);
    while (await wait(context.signal)) {
      const rows = await rowsBelow(api, Number.MAX_SAFE_INTEGER, last, about);
      print(rows);
      last = Number(rows[0]?.id ?? last);
    }
  });
}

/** The newest rows, at most so many, that are newer than `last`; newest first. */
async function rowsBelow(admin: Admin, count: number, last: number, about?: string): Promise<readonly Json[]> {
  const rows: Json[] = [];
  let before: string | undefined;
  while (rows.length < count) {
    const limit = String(Math.min(PAGE, count - rows.length));
    const query = { limit, ...(before === undefined ? {} : { before }), ...(about === undefined ? {} : { about }) };
    const page = await admin.get('/audit', query);
    const items = itemsOf(page).filter(({ id }) => Number(id) > last);
    rows.push(...items);
    if (page.next === undefined || items.length === 0) break;
    before = String(page.next);
  }
  return rows;
}

const wait = (signal: AbortSignal): Promise<boolean> =>
  setTimeout(POLL_MILLISECONDS, true, { signal }).catch(() => false);

const lineOf = ({ at, event, actor, subject, detail }: Json): string =>
  [shown(at), shown(event), `by ${shown(actor)}`, shown(subject), shown(detail)]
    .filter((part) => part !== '')
    .join('  ');
