import { column, outputOf, printable, shown } from '@latchkey/cli/output';
import { expect, test } from 'vitest';
import { testContext } from './context.ts';

test('what would steer a terminal is shown as a question mark', () => {
  expect(printable('a\u001b[2Jb\u202ec\nd\u0007é 漢')).toBe('a?[2Jb?c?d?é 漢');
});

test.each([
  [undefined, '-'],
  [null, '-'],
  [[], '-'],
  [['a', 1], 'a 1'],
  [{ account: 'acc_1', role: true }, 'account=acc_1 role=true'],
  [0, '0'],
])('%j is shown as %s', (value, text) => {
  expect(shown(value)).toBe(text);
});

test('a table is lined up, and long cells are cut', () => {
  const { context, written } = testContext();
  outputOf(context, false).table(
    [{ name: 'x'.repeat(61) }, { name: 'y'.repeat(60), created_at: 'now' }],
    [column('name'), column('created at')],
    'none',
  );
  expect(written.out.split('\n')).toEqual([
    `${'NAME'.padEnd(60)}  CREATED AT`,
    `${'x'.repeat(59)}…  -`,
    `${'y'.repeat(60)}  now`,
    '',
  ]);
});

test('an empty table is a sentence for people and an empty list for programs', () => {
  const people = testContext();
  outputOf(people.context, false).table([], [column('id')], 'There are none.');
  expect([people.written.out, people.written.err]).toEqual(['', 'There are none.\n']);
  const programs = testContext();
  outputOf(programs.context, true).table([], [column('id')], 'There are none.');
  expect(programs.written).toEqual({ out: '[]\n', err: '' });
});
