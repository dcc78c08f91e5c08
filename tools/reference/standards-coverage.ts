import { type CoveredRow, noteOf, type RowState, stateOf, totalsOf } from '../coverage.ts';
import { coverageOfRepository } from '../spec-coverage.ts';
import { page, table } from './markdown.ts';

const STATES: Readonly<Record<RowState, string>> = {
  covered: 'covered',
  missing: '**not covered**',
  differs: 'differs',
  later: 'later',
};

/** docs/reference/standards-coverage.md: each row of the standards, its tests, or why it has none. */
export function standardsCoveragePage(): string {
  const { parts } = coverageOfRepository();
  const all = parts.flatMap(({ rows }) => rows);
  const totals = [...parts, { part: '', title: 'all', rows: all }].map(({ part, title, rows }) => {
    const { covered, missing, differs, later } = totalsOf(rows);
    return [`${part} ${title}`.trim(), ...[rows.length, covered, missing, differs, later].map(String)];
  });
  const sections = parts.flatMap(({ part, title, rows }) => [
    `## ${part} ${title}`,
    table(['Row', 'Asks for', 'Source', 'State', 'Tests, or why not'], rows.map(rowOf)),
  ]);
  return page('Coverage of the standards', '`standards/rows.json` and the names of the tests', [
    'A row is covered when a test names it. A row that differs is one where Latchkey does something else, which the last ' +
      'column says; it may have a test too. Rows of what is not built yet come later.',
    table(['Part', 'Rows', 'Covered', 'Not covered', 'Differ', 'Later'], totals),
    ...sections,
  ]);
}

function rowOf(row: CoveredRow): readonly string[] {
  const why = [row.tests.map((path) => `\`${path}\``).join(', '), noteOf(row)].filter((text) => text !== '').join('; ');
  return [row.id, row.requirement, row.source, STATES[stateOf(row)], why];
}
