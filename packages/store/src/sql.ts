/** A value as both dialects take it. */
export type SqlValue = string | number | null | Uint8Array;

/** A statement and its values. The text is the same for every call of one place, so that it is prepared once. */
export interface Query {
  readonly text: string;
  readonly values: readonly SqlValue[];
}

/** A row as a driver gives it; `tables/` turns it into a model. */
export type Row = Readonly<Record<string, SqlValue>>;

const texts = new WeakMap<TemplateStringsArray, string>();

/** Writes a statement: values never become part of its text. */
export function sql(strings: TemplateStringsArray, ...values: readonly SqlValue[]): Query {
  let text = texts.get(strings);
  if (text === undefined) {
    text = strings.join('?').replace(/\s+/g, ' ').trim();
    texts.set(strings, text);
  }
  return { text, values };
}

/** A statement that changes rows, and how many it must change: `one`, or the decision was made on stale facts. */
export interface Step {
  readonly query: Query;
  readonly rows: 'one' | 'any';
}

export const one = (query: Query): Step => ({ query, rows: 'one' });
export const any = (query: Query): Step => ({ query, rows: 'any' });

/** Reads rows, inside a transaction or outside. */
export interface Executor {
  all(query: Query): Promise<readonly Row[]>;
}
