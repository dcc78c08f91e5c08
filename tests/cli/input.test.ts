import { Readable } from 'node:stream';
import { parseDuration, parseWhole } from '@latchkey/cli/duration';
import { EXIT, Stop } from '@latchkey/cli/exit-codes';
import { readSecret, SECRET_BYTES_MAX } from '@latchkey/cli/secret-input';
import { expect, test } from 'vitest';
import { testContext } from './context.ts';

const question = { what: 'password', file: undefined, isNew: true };
const secretOf = (chunks: readonly (string | Buffer)[]) =>
  readSecret(testContext({ stdin: Readable.from(chunks) }).context, question);
const stopOf = (promise: Promise<unknown>) =>
  promise.then(
    () => undefined,
    (error: unknown) => (error instanceof Stop ? { exit: error.exit, message: error.message } : error),
  );

test.each([
  ['a line', ['correct horse\n'], 'correct horse'],
  ['a line of Windows', ['correct horse\r\n'], 'correct horse'],
  ['no newline', ['correct ', 'horse'], 'correct horse'],
  ['spaces and a second line, which belong to it', [' a \n b \n'], ' a \n b '],
  ['a letter cut in two by the pipe', [Buffer.from('é').subarray(0, 1), Buffer.from('é').subarray(1)], 'é'],
])('a secret on standard input: %s', async (_, chunks, secret) => {
  expect(await secretOf(chunks)).toBe(secret);
});

test.each(['', '\n'])('no secret at all is a mistake of usage', async (text) => {
  expect(await stopOf(secretOf([text]))).toEqual({ exit: EXIT.usage, message: 'There is no password.' });
});

test.each([
  [SECRET_BYTES_MAX, false],
  [SECRET_BYTES_MAX + 1, true],
])('%d bytes on standard input: refused %s', async (bytes, isRefused) => {
  const stop = await stopOf(secretOf(['x'.repeat(bytes)]));
  expect(stop).toEqual(
    isRefused ? { exit: EXIT.usage, message: expect.stringContaining('is longer than') } : undefined,
  );
});

test.each([
  ['0', 0],
  ['0s', 0],
  ['90s', 90],
  ['15m', 900],
  ['24h', 86_400],
  ['7d', 604_800],
])('the time %s is %d seconds', (text, seconds) => {
  expect(parseDuration(text)).toBe(seconds);
});

test.each(['', '5', '-1h', '1.5h', '1w', '1h ', '1H', '9999999999s'])('the time %j is refused', (text) => {
  expect(() => parseDuration(text)).toThrow('Write 0, 90s, 15m, 24h or 7d.');
});

test.each(['', '-1', '1e3', '0x10', '1234567890'])('%j is no whole number', (text) => {
  expect(() => parseWhole(text)).toThrow('Write a whole number.');
});
