import { chmodSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EXIT } from '@latchkey/cli/exit-codes';
import { createProgram, run } from '@latchkey/cli/program';
import type { Command } from 'commander';
import { expect, test } from 'vitest';
import { testContext } from './context.ts';

/** A command with all that hang below it. */
const withAll = (command: Command): readonly Command[] => [command, ...command.commands.flatMap(withAll)];

test('CLI-02 RFC 8252, ASVS 13.3: no option and no argument of any command takes a secret', async () => {
  const commands = withAll(await createProgram(testContext().context));
  const SECRET = /password|secret|token|credential|kek/i;
  const values = commands.flatMap((command) => [
    ...command.options.filter((option) => option.required || option.optional).map(({ flags }) => flags),
    ...command.registeredArguments.map((argument) => argument.name()),
  ]);
  expect(commands.length).toBeGreaterThan(30);
  const secret = values.filter(
    (flags) =>
      SECRET.test(flags) && !/<(?:file|seconds|bytes|typ|algorithm)>|-(?:file|seconds|lookup) <value>/.test(flags),
  );
  expect(secret).toEqual([]);
  expect(values).toEqual(expect.arrayContaining(['--password-file <file>', '--credential <file>']));
});

test.each([
  ['token', 'explain', 'lk_rt_AQAAAAEBm3ypjIi6gUPB'],
  ['token', 'explain', 'eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJhIn0.c2ln'],
  ['token', 'revoke', '--id', 'lk_cs_thisisaclientsecret'],
  ['token', 'explain', 'x'.repeat(101)],
])('CLI-02: %s %s does not take a credential on the command line, and does not repeat it', async (...words) => {
  const { context, written } = testContext();
  expect(await run(words, context)).toBe(EXIT.usage);
  expect(written.err).toContain('Credentials do not go on the command line.');
  expect(written.out + written.err).not.toContain(words.at(-1));
});

test.each([
  ['600', false],
  ['640', true],
  ['604', true],
])('CLI-02: a credential in a file of mode %s is refused: %s', async (mode, isRefused) => {
  const folder = mkdtempSync(join(tmpdir(), 'latchkey-cli-'));
  const file = join(folder, 'admin.json');
  const secret = 'lk_cs_notforothers';
  writeFileSync(file, JSON.stringify({ issuer: 'http://localhost:1', client_id: 'cli_x', client_secret: secret }));
  chmodSync(file, Number.parseInt(mode, 8));
  const { context, written } = testContext({ fetch: () => Promise.reject(new TypeError('no server')) });
  const exit = await run(['client', 'list', '--credential', file], context);
  expect([exit, statSync(file).mode & 0o777]).toEqual([
    isRefused ? EXIT.unauthorised : EXIT.unreachable,
    Number.parseInt(mode, 8),
  ]);
  expect(written.out + written.err).not.toContain(secret);
  rmSync(folder, { recursive: true });
});
