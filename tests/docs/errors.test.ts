import { globSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { ERRORS } from '@latchkey/protocol/errors';
import { expect, test } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));
const own = 'tests/docs/errors.test.ts';

/** All text that tests are made of, without this file. */
const tests = globSync(['tests/**/*.ts', 'packages/*/src/**/*.test.ts', 'packages/testkit/src/**/*.ts'], { cwd: root })
  .map((path) => path.replaceAll('\\', '/'))
  .filter((path) => path !== own)
  .map((path) => readFileSync(`${root}/${path}`, 'utf8'))
  .join('\n');

/** An id as a text of its own, at the beginning of a test's name, or as the name of a request that is refused so. */
const isProvoked = (id: string): boolean => new RegExp(`['"\`]${id}['"\`:,]|\\b${id}: (?:async )?\\(`).test(tests);

test('every row of the catalogue of errors is provoked by a test that names it', () => {
  expect(Object.keys(ERRORS).filter((id) => !isProvoked(id))).toEqual([]);
});
