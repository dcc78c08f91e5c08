import type { Context } from './context.ts';

/** An object of the admin API, as it came. */
export type Json = Readonly<Record<string, unknown>>;

/** What a column shows. */
export interface Column {
  readonly title: string;
  readonly of: (row: Json) => unknown;
}

export const column = (title: string, field: string = title.replaceAll(' ', '_')): Column => ({
  title,
  of: (row) => row[field],
});

/** Prints for people, or with `--json` for programs: one JSON document a command, or one a line where it goes on. */
export interface Output {
  table(rows: readonly Json[], columns: readonly Column[], none: string): void;
  /** One thing, field by field. */
  record(row: Json): void;
  /** A sentence for people; nothing with `--json`, where `row` says it. */
  done(sentence: string, row: Json): void;
  /** One row of a list that has no end. */
  line(row: Json, text: string): void;
}

export const outputOf = (context: Context, json: boolean): Output => (json ? jsonOutput(context) : textOutput(context));

const jsonOutput = ({ out }: Context): Output => {
  const print = (value: unknown) => out(`${JSON.stringify(value, null, 2)}\n`);
  return {
    table: (rows) => print(rows),
    record: print,
    done: (_sentence, row) => print(row),
    line: (row) => out(`${JSON.stringify(row)}\n`),
  };
};

const textOutput = ({ out, say }: Context): Output => ({
  table(rows, columns, none) {
    if (rows.length === 0) return say(none);
    const cells = rows.map((row) => columns.map(({ of }) => shortened(shown(of(row)))));
    const lines = [columns.map(({ title }) => title.toUpperCase()), ...cells];
    const widths = columns.map((_, index) => Math.max(...lines.map((line) => line[index]?.length ?? 0)));
    for (const line of lines)
      out(
        `${line
          .map((cell, index) => cell.padEnd(widths[index] ?? 0))
          .join('  ')
          .trimEnd()}\n`,
      );
  },
  record(row) {
    const fields = Object.entries(row).filter(([, value]) => value !== undefined);
    const width = Math.max(0, ...fields.map(([name]) => name.length));
    for (const [name, value] of fields) out(`${name.padEnd(width)}  ${shown(value)}\n`);
  },
  done: (sentence) => out(`${printable(sentence)}\n`),
  line: (_row, text) => out(`${printable(text)}\n`),
});

/** A table is to be looked over; `--json` has everything. */
const CELL_MAX = 60;
const shortened = (text: string): string => (text.length > CELL_MAX ? `${text.slice(0, CELL_MAX - 1)}…` : text);

/** A value as people read it. */
export function shown(value: unknown): string {
  if (value === undefined || value === null) return '-';
  if (Array.isArray(value)) return value.length === 0 ? '-' : value.map(shown).join(' ');
  if (typeof value === 'object')
    return Object.entries(value)
      .map(([name, one]) => `${printable(name)}=${shown(one)}`)
      .join(' ');
  return printable(String(value));
}

/** Names and user agents come from anybody: what would steer a terminal is shown as a question mark. */
export const printable = (text: string): string => text.replace(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, '?');
