// `npm run coverage:standards`: which rows of the standards have a test. With --check, unknown ids are an error.
import { globSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { type Coverage, coverageOf, noteOf, stateOf, totalsOf } from './coverage.ts';
import { readStandards } from './standards.ts';

const root = fileURLToPath(new URL('..', import.meta.url));

/** The coverage of the repository as it stands. */
export function coverageOfRepository(): Coverage {
  const paths = globSync(['packages/*/src/**/*.test.ts', 'tests/**/*.test.ts'], { cwd: root })
    .map((path) => path.replaceAll('\\', '/'))
    .sort();
  return coverageOf(
    readStandards(),
    paths.map((path) => ({ path, text: readFileSync(`${root}/${path}`, 'utf8') })),
  );
}

const MARKS = { covered: '+', missing: '!', differs: '~', later: '.' } as const;

function report({ parts }: Coverage): string {
  const lines = parts.flatMap(({ part, title, rows }) => {
    const { covered, missing, differs, later } = totalsOf(rows);
    return [
      '',
      `${part} ${title}: ${covered} covered, ${missing} not covered, ${differs} differ, ${later} later`,
      ...rows.map((row) => {
        const why = [row.tests.join(', '), noteOf(row)].filter((text) => text !== '').join('; ');
        return `  ${MARKS[stateOf(row)]} ${row.id.padEnd(8)} ${why}`;
      }),
    ];
  });
  const { covered, missing, differs, later } = totalsOf(parts.flatMap(({ rows }) => rows));
  const total = `All ${covered + missing + differs + later} rows: ${covered} covered, ${missing} not covered, ${differs} differ, ${later} later`;
  return ['+ covered  ! not covered  ~ differs  . later', ...lines, '', total].join('\n');
}

if (import.meta.main) {
  const coverage = coverageOfRepository();
  console.log(report(coverage));
  for (const { id, path } of coverage.unknown)
    console.error(`${path} names ${id}, which standards/rows.json does not have.`);
  if (process.argv.includes('--check') && coverage.unknown.length > 0) process.exitCode = 1;
}
