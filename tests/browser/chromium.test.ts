import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { leaveOut } from './chromium.ts';

test('without Chromium the browser tests are left out, and say so', () => {
  const said: string[] = [];
  leaveOut({}, (line) => void said.push(line));
  expect(said).toEqual([expect.stringContaining('the browser tests are left out')]);
});

test('without Chromium a run that must have it fails, and says what to do', () => {
  const say = () => undefined;
  expect(() => leaveOut({ LATCHKEY_TEST_BROWSER: 'required' }, say)).toThrow('install it, or name one');
});

test('what must pass before a change lands asks for it, and hands it on to the tests', () => {
  const script = readFileSync(fileURLToPath(new URL('../../.ci/run', import.meta.url)), 'utf8');
  const [line = ''] = /^.*npm test.*$/m.exec(script) ?? [];
  const said = spawnSync('bash', ['-c', line.replace('npm test', 'printenv LATCHKEY_TEST_BROWSER')]);
  expect(said.stdout.toString()).toBe('required\n');
});
