import type { Row, Standards } from './standards.ts';

/** A test file: its path from the root of the repository, and its text. */
export interface TestFile {
  readonly path: string;
  readonly text: string;
}

export interface CoveredRow extends Row {
  /** The files with a test that names the row, in order. */
  readonly tests: readonly string[];
}

export interface Coverage {
  readonly parts: readonly PartCoverage[];
  /** Ids in names of tests that no row has. */
  readonly unknown: readonly { readonly id: string; readonly path: string }[];
}

export interface PartCoverage {
  readonly part: string;
  readonly title: string;
  readonly rows: readonly CoveredRow[];
}

/**
 * Which rows of the standards have a test. A test covers the rows that its name begins with:
 * `JWT-05 RFC 7515 §4: …`, or several of them, `JWT-05, JWT-06: …`.
 */
export function coverageOf(standards: Standards, files: readonly TestFile[]): Coverage {
  const named = files.flatMap(({ path, text }) => idsIn(text).map((id) => ({ id, path })));
  const known = new Set(standards.rows.map(({ id }) => id));
  const testsOf = (id: string) => [...new Set(named.filter((one) => one.id === id).map(({ path }) => path))].sort();
  return {
    parts: standards.parts.map(({ part, title }) => ({
      part,
      title,
      rows: standards.rows.filter((row) => row.part === part).map((row) => ({ ...row, tests: testsOf(row.id) })),
    })),
    unknown: named.filter(({ id }) => !known.has(id)),
  };
}

/**
 * A string that begins with row ids and goes on with words. In a test file that is the name of a test, whether it stands
 * in a call or in a table of cases; an id alone is data.
 */
const NAME = /['"`]((?:[A-Z]+-[0-9]{2}(?:, ?| and | to | )?)+)(?::|(?<= ))(?=[^'"`\n]*[a-z])/g;
const ROWS = /([A-Z]+)-([0-9]{2})(?: to \1-([0-9]{2}))?/g;

/** The row ids that names of tests begin with: `JWT-05`, `JWT-05, JWT-06`, `JWT-05 to JWT-09`. */
export const idsIn = (text: string): readonly string[] =>
  [...text.matchAll(NAME)].flatMap(([, ids = '']) =>
    [...ids.matchAll(ROWS)].flatMap(([, prefix = '', first = '', last = first]) => range(prefix, +first, +last)),
  );

const range = (prefix: string, first: number, last: number): readonly string[] =>
  Array.from({ length: last - first + 1 }, (_, index) => `${prefix}-${String(first + index).padStart(2, '0')}`);

export interface Totals {
  readonly covered: number;
  readonly missing: number;
  readonly differs: number;
  readonly later: number;
}

/** A row with a test counts as covered, however it applies. */
export function totalsOf(rows: readonly CoveredRow[]): Totals {
  const count = (state: RowState) => rows.filter((row) => stateOf(row) === state).length;
  return { covered: count('covered'), missing: count('missing'), differs: count('differs'), later: count('later') };
}

export type RowState = 'covered' | 'missing' | 'differs' | 'later';

export function stateOf({ tests, applies }: CoveredRow): RowState {
  if (tests.length > 0) return 'covered';
  if (applies === 'now') return 'missing';
  return 'differs' in applies ? 'differs' : 'later';
}

/** Why a row has no test, or what holds in its place. */
export function noteOf({ applies, tests }: CoveredRow): string {
  if (applies === 'now') return tests.length > 0 ? '' : 'no test names it yet';
  return 'differs' in applies ? `differs: ${applies.differs}` : `comes with: ${applies.later}`;
}
