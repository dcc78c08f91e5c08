import type { Command } from 'commander';
import { act } from './action.ts';
import type { Admin } from './admin-client.ts';
import type { Context } from './context.ts';
import { parseWhole } from './duration.ts';
import { EXIT, Stop } from './exit-codes.ts';
import { isObject } from './http.ts';
import { type Json, printable } from './output.ts';
import { counted, usageChart } from './usage-chart.ts';

interface UsageOptions {
  readonly days?: number;
  readonly hours?: number;
}

const HOUR = 3_600_000;
const SPANS = {
  day: { milliseconds: 24 * HOUR, label: 'YYYY-MM-DD'.length },
  hour: { milliseconds: HOUR, label: 'YYYY-MM-DDTHH:MM'.length },
} as const;
/** Where there is no terminal, or one that does not tell. */
const WIDTH = 80;

/** Gives a command the options of a usage, and its action: `pathOf` says whose usage it is. */
export function actUsage(
  command: Command,
  context: Context,
  pathOf: (admin: Admin, name: string) => Promise<string>,
): Command {
  command
    .option('--days <number>', 'by the day, so many days (default: 30)', parseWhole)
    .option('--hours <number>', 'by the hour, so many hours', parseWhole);
  return act<UsageOptions>(command, context, async (tools, { days, hours }, name = '') => {
    if (days !== undefined && hours !== undefined)
      throw new Stop(EXIT.usage, 'Days or hours: not both.', 'Leave out --days or --hours.');
    const span = hours === undefined ? 'day' : 'hour';
    const api = await tools.admin();
    const usage = await api.get(await pathOf(api, name), { span, last: String(hours ?? days ?? 30) });
    if (tools.isJson) return tools.output.record(usage);
    for (const line of linesOf(usage, span, context)) context.out(`${line}\n`);
  });
}

/** The usage as people read it: whose it is and how much in all, and a line for each hour or day. */
function linesOf(usage: Json, span: keyof typeof SPANS, { columns, env }: Context): readonly string[] {
  const isPlain = columns === undefined || (env.NO_COLOR ?? '') !== '' || env.TERM === 'dumb';
  const last = usage.last_used_at === undefined ? [] : [`last used ${shortTime(String(usage.last_used_at))} UTC`];
  const totals = [`${counted(Number(usage.allowed))} allowed`, `${counted(Number(usage.refused))} refused`, ...last];
  const whose = [usage.api_key, usage.resource].filter((part) => part !== undefined).join('  ');
  const lines = [
    printable(whose),
    totals.join(', '),
    '',
    ...usageChart(binsOf(usage, span), { width: columns ?? WIDTH, isPlain }),
  ];
  const keys = Array.isArray(usage.keys) ? usage.keys.filter(isObject) : [];
  if (keys.length === 0) return lines;
  const most = keys.map((key) => ({
    label: printable(String(key.api_key)),
    allowed: Number(key.allowed),
    refused: Number(key.refused),
  }));
  return [...lines, '', 'Used most:', ...usageChart(most, { width: columns ?? WIDTH, isPlain })];
}

/** Every hour or day, those without any use, too. */
function binsOf(usage: Json, span: keyof typeof SPANS) {
  const items = Array.isArray(usage.items) ? usage.items.filter(isObject) : [];
  const known = new Map(items.map((item) => [Date.parse(String(item.starts_at)), item]));
  const { milliseconds, label } = SPANS[span];
  const [from, to] = [Date.parse(String(usage.from)), Date.parse(String(usage.to))];
  const count = Math.max(0, Math.round((to - from) / milliseconds));
  return Array.from({ length: count }, (_, index) => {
    const at = from + index * milliseconds;
    const item = known.get(at);
    return {
      label: new Date(at).toISOString().slice(0, label).replace('T', ' '),
      allowed: Number(item?.allowed ?? 0),
      refused: Number(item?.refused ?? 0),
    };
  });
}

const shortTime = (time: string): string => printable(time.slice(0, SPANS.hour.label).replace('T', ' '));
