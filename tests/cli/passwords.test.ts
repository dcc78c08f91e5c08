import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { run } from '@latchkey/cli/program';
import { openDigestFile } from '@latchkey/server/breached-passwords/digest-file';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { testContext } from './context.ts';

let cwd: string;
beforeEach(() => {
  cwd = mkdtempSync(join(tmpdir(), 'latchkey-passwords-'));
});
afterEach(() => rmSync(cwd, { recursive: true }));

const hash = (text: string) => createHash('sha1').update(text).digest();
const words = Array.from({ length: 100 }, (_, index) => `word ${index}`);
const TEXT = words
  .map((word, index) => `${hash(word).toString('hex').toUpperCase()}:${index + 1}\r\n`)
  .sort()
  .join('');

/** Runs the command; gives its exit code and what it printed. */
async function latchkey(args: readonly string[], stdin = '') {
  const { context, written } = testContext({ cwd, stdin: Readable.from([Buffer.from(stdin)]) });
  return { code: await run(['passwords', 'import', ...args], context), ...written };
}

test('PWD-06: passwords import makes a file in which exactly the given passwords are found', async () => {
  writeFileSync(join(cwd, 'pwned.txt'), TEXT);
  const file = join(cwd, 'pwned.bin');
  const made = await latchkey(['pwned.txt', '--out', 'pwned.bin', '--min-count', '51', '--json']);
  expect([made.code, JSON.parse(made.out)]).toEqual([0, { file, passwords: 50, left_out: 50, bytes: 1_000 }]);
  const digests = openDigestFile(file);
  const found = await Promise.all(words.map((word) => digests.has(hash(word))));
  expect(found.map((answer) => answer.ok && answer.value)).toEqual(words.map((_, index) => index >= 50));
  digests.close();
  expect(readdirSync(cwd).sort()).toEqual(['pwned.bin', 'pwned.txt']);
});

test('passwords import reads standard input, and takes the place of an older file', async () => {
  writeFileSync(join(cwd, 'pwned.bin'), 'old');
  expect(await latchkey(['-', '--out', 'pwned.bin'], TEXT)).toMatchObject({ code: 0, err: '' });
  expect(readFileSync(join(cwd, 'pwned.bin'))).toHaveLength(2_000);
});

test.each([
  [
    'lines in the wrong order',
    ['-', '--out', 'x'],
    `${TEXT}${TEXT}`,
    2,
    /^Line 101 does not come after the line before/,
  ],
  ['another text', ['-', '--out', 'x'], 'password1\n', 2, /^Line 1 is not a SHA-1 in hex, a colon and a count/],
  ['nothing', ['-', '--out', 'x'], '', 2, /^No password is left/],
  ['a count that nothing has', ['-', '--out', 'x', '--min-count', '101'], TEXT, 2, /^No password is left/],
  ['no number', ['-', '--out', 'x', '--min-count', 'many'], TEXT, 2, /Write a whole number/],
  ['a source that is not there', ['none.txt', '--out', 'x'], '', 2, /^none.txt cannot be read: ENOENT/],
  ['a folder as source', ['folder', '--out', 'x'], '', 2, /^folder is a folder/],
  ['no --out', ['-'], TEXT, 2, /required option '--out <file>'/],
  ['a folder as target', ['-', '--out', 'folder'], TEXT, 1, /^folder cannot be made: EISDIR/],
  ['a target in a folder that is not there', ['-', '--out', 'none/x'], TEXT, 1, /^none\/x cannot be made: ENOENT/],
])('passwords import with %s says so, and leaves nothing behind', async (_, args, stdin, code, says) => {
  mkdirSync(join(cwd, 'folder'));
  expect(await latchkey(args, stdin)).toEqual({ code, out: '', err: expect.stringMatching(says) });
  expect(readdirSync(cwd)).toEqual(['folder']);
});

test('Ctrl-C ends an import, and leaves nothing behind', { timeout: 60_000 }, async () => {
  const main = fileURLToPath(new URL('../../packages/cli/src/main.ts', import.meta.url));
  const args = ['--conditions=@latchkey/source', main, 'passwords', 'import', '-', '--out', 'pwned.bin'];
  const child = spawn(process.execPath, args, { cwd });
  let err = '';
  child.stderr.on('data', (chunk) => (err += chunk));
  child.stdin.write(TEXT);
  while (readdirSync(cwd).length === 0) await new Promise((resolve) => setTimeout(resolve, 20));
  child.kill('SIGINT');
  await once(child, 'close');
  expect([child.exitCode, err, readdirSync(cwd)]).toEqual([130, 'Cancelled.\nNo file was made.\n', []]);
});
