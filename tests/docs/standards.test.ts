import { expect, test } from 'vitest';
import { coverageOf, idsIn, noteOf, stateOf, totalsOf } from '../../tools/coverage.ts';
import { coverageOfRepository } from '../../tools/spec-coverage.ts';
import { readStandards, type Standards } from '../../tools/standards.ts';

// Ids in the fixtures are put together, or this file would count as a test of them.
const id = (name: string, number: string) => `${name}-${number}`;

test('names of tests give the rows that they begin with, one or many', () => {
  const text = [
    `test('${id('JWT', '05')} RFC 7515 §4: duplicate names are refused', () => {`,
    `it.each(CASES)("${id('REV', '01')}, ${id('REV', '02')}: %s", () => {`,
    `describe(\`${id('KEY', '01')} and ${id('KEY', '02')}: rotation\`, () => {`,
    `test.each([\n  ['a', 1],\n])('${id('ENV', '03')} a repeated parameter', () => {`,
    `test('a row in the middle of a name, ${id('ENV', '04')}, is none', () => {`,
    `expect('${id('ENV', '05')}').toBe('${id('ENV', '06')}');`,
    `  ['${id('ENV', '07')} in a table', 1],`,
    `test('${id('RED', '08')} to ${id('RED', '10')} RFC 1 §2: a range', () => {`,
    `test('${id('CAU', '011')} has a digit too many', () => {`,
  ].join('\n');
  expect(idsIn(text)).toEqual(
    ['JWT05', 'REV01', 'REV02', 'KEY01', 'KEY02', 'ENV03', 'ENV07', 'RED08', 'RED09', 'RED10'].map((each) =>
      each.replace(/(?=\d)/, '-'),
    ),
  );
});

const row = (name: string, applies: Standards['rows'][number]['applies']): Standards['rows'][number] => ({
  id: name,
  part: 'A1',
  level: 'must',
  source: 'RFC 1',
  requirement: 'Something',
  applies,
});

test('a row is covered, not covered, different or later, and an unknown id is found', () => {
  const standards: Standards = {
    parts: [{ part: 'A1', title: 'Numbers' }],
    rows: [
      row('ONE-01', 'now'),
      row('ONE-02', 'now'),
      row('ONE-03', { differs: 'otherwise' }),
      row('ONE-04', { later: 'pages' }),
    ],
  };
  const files = [
    { path: 'tests/b.test.ts', text: `test('${id('ONE', '01')} holds')` },
    { path: 'tests/a.test.ts', text: `test('${id('ONE', '01')}, ${id('TWO', '01')} hold')` },
  ];
  const { parts, unknown } = coverageOf(standards, files);
  const rows = parts.flatMap((part) => part.rows);
  expect(rows.map((each) => [each.id, stateOf(each), each.tests, noteOf(each)])).toEqual([
    ['ONE-01', 'covered', ['tests/a.test.ts', 'tests/b.test.ts'], ''],
    ['ONE-02', 'missing', [], 'no test names it yet'],
    ['ONE-03', 'differs', [], 'differs: otherwise'],
    ['ONE-04', 'later', [], 'comes with: pages'],
  ]);
  expect(totalsOf(rows)).toEqual({ covered: 1, missing: 1, differs: 1, later: 1 });
  expect(unknown).toEqual([{ id: 'TWO-01', path: 'tests/a.test.ts' }]);
});

test('rows have ids of their own, and parts that exist', () => {
  const { parts, rows } = readStandards();
  expect(new Set(rows.map((each) => each.id)).size).toBe(rows.length);
  const known = new Set(parts.map(({ part }) => part));
  expect(rows.filter(({ part }) => !known.has(part))).toEqual([]);
});

test('no test of the repository names a row that does not exist', () => {
  expect(coverageOfRepository().unknown).toEqual([]);
});

test('every row that applies now has a test that names it', () => {
  const rows = coverageOfRepository().parts.flatMap((part) => part.rows);
  expect(rows.filter((each) => stateOf(each) === 'missing').map((each) => each.id)).toEqual([]);
});
